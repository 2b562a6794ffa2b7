#pragma once

#include "onecycle/data.h"

#include "data/arrays/array_file.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// Where the channels of pictures of four dimensions are. automatic: last where the last length is
// 1, 3 or 4 and the second is none of them, else first.
enum class ChannelOrder { automatic, first, last };

// Samples of an array: uint8 [N,H,W] and what has four dimensions as pictures [N,C,H,W], uint8 or
// float32; others as [N,...], float32, or float64 where that alone holds their numbers, [N] as
// [N,1]. Pictures of uint8 stay where they lie. Throws DataError, with the sample, for what is not
// finite as float32.
at::Tensor array_inputs(const Array& array, ChannelOrder channels);

// Names that the array of inputs has as a rule.
inline const std::vector<std::string> kInputNames = {"inputs", "x", "X", "images", "data"};

// The samples of a file of arrays, as array_inputs has them: of its one array, or of the one among
// `names`, else among `kInputNames`. Throws DataError.
at::Tensor read_samples(const std::string& path,
                        const std::vector<std::string>& names = kInputNames);

// What the targets of the training part are: the `wanted`, else classes where they are whole
// numbers, one a sample, labels where they are several of 0 and 1, and values.
TargetKind array_target_kind(const Array& training, std::optional<TargetKind> wanted);

// The targets as TargetKind has them, values as they stand: of [N] or [N,1] classes, of [N] or
// [N,T] values, of [N,L] labels. Throws DataError, with the sample, for what is none.
at::Tensor array_targets(const Array& array, TargetKind kind);

}  // namespace onecycle
