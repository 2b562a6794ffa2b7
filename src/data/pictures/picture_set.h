#pragma once

#include "onecycle/datasets.h"

#include "data/formats/class_folders.h"
#include "data/pictures/picture_fit.h"

#include <string>
#include <vector>

namespace onecycle {

// What becomes of a picture that cannot be read.
enum class BadPicture { stop, skip };

// Decodes the files into one tensor, each thread of ATen's taking the next file. What is left out
// is told by `watch.warn`. Throws DataError where the tensor would not fit into memory, for the
// first picture that cannot be read where `bad` is stop, and where none is left.
ImageSet read_pictures(const std::vector<LabelledFile>& sources, const PictureFit& fit,
                       BadPicture bad, const DataFiles& files);

}  // namespace onecycle
