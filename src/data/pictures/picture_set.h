#pragma once

#include "onecycle/datasets.h"

#include "data/formats/class_folders.h"
#include "data/pictures/picture_fit.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace onecycle {

// What becomes of a picture that cannot be read.
enum class BadPicture { stop, skip };

// Where a file is named, of its label, for messages.
using PicturePlace = std::function<std::string(std::int64_t label)>;

// Decodes the files into one tensor, each thread of ATen's taking the next file. What is left out
// is told by `watch.warn`. Throws DataError where the tensor would not fit into memory, for the
// first picture that cannot be read where `bad` is stop, and where none is left; with `place`,
// where there is one.
ImageSet read_pictures(const std::vector<LabelledFile>& sources, const PictureFit& fit,
                       BadPicture bad, const DataFiles& files, const PicturePlace& place = {});

}  // namespace onecycle
