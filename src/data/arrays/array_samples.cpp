#include "data/arrays/array_samples.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "data/needed_memory.h"

#include <algorithm>
#include <functional>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr std::int64_t kNumbersAtOnce = 1 << 22;

bool is_float(const Array& array) { return array.numbers.is_floating_point(); }
bool is_bool(const Array& array) { return array.dtype == "BOOL"; }

// Truth values as 0 and 1: a file may hold any byte for them.
at::Tensor numbers_of(const Array& array) {
  return is_bool(array) ? array.numbers.ne(0).to(at::kByte) : array.numbers;
}

void check_dimensions(const Array& array) {
  if (array.numbers.dim() == 0 || array.numbers.numel() == 0)
    throw DataError(
        format("{}: {} holds no samples; check which array it is", array.place, array_text(array)));
}

// The first sample of [N,...] that `is_sound`, [n,...] -> bool [n,...], is not all true of; looks
// at parts, so that memory does not grow with the samples.
std::optional<std::int64_t> first_unsound(
    const at::Tensor& samples, const std::function<at::Tensor(const at::Tensor&)>& is_sound) {
  const std::int64_t count = samples.size(0);
  const std::int64_t step =
      std::max<std::int64_t>(1, kNumbersAtOnce / std::max<std::int64_t>(1, samples[0].numel()));
  for (std::int64_t first = 0; first < count; first += step) {
    const std::int64_t rows = std::min(step, count - first);
    const at::Tensor sound = is_sound(samples.narrow(0, first, rows)).reshape({rows, -1}).all(1);
    if (!sound.all().item<bool>()) return first + sound.logical_not().nonzero()[0].item<int64_t>();
  }
  return std::nullopt;
}

void check_finite_samples(const Array& array, const at::Tensor& samples, at::ScalarType type) {
  if (!samples.is_floating_point()) return;
  const auto bad =
      first_unsound(samples, [&](const at::Tensor& part) { return at::isfinite(part.to(type)); });
  if (!bad) return;
  throw DataError(
      format("{}: sample {} (counted from 0) holds NaN or a number beyond {}; leave the sample "
             "out, or fill it",
             array.place, *bad, type == at::kFloat ? "float32" : "float64"));
}

bool are_channels_last(const at::Tensor& pictures, ChannelOrder order) {
  const auto usual = [](std::int64_t length) { return length == 1 || length == 3 || length == 4; };
  if (order != ChannelOrder::automatic) return order == ChannelOrder::last;
  return usual(pictures.size(3)) && !usual(pictures.size(1));
}

// The numbers as another type, or beside one another.
void require_copy(const Array& array, at::ScalarType type) {
  if (array.numbers.scalar_type() == type && array.numbers.is_contiguous()) return;
  require_memory(array.numbers.numel() * static_cast<std::int64_t>(c10::elementSize(type)),
                 format("{}: the numbers of {}, as {},", array.place, array_text(array),
                        type == at::kDouble  ? "float64"
                        : type == at::kFloat ? "float32"
                                             : "uint8"),
                 "use fewer samples, or save them as float32");
}

at::Tensor pictures_of(const Array& array, ChannelOrder order) {
  require_copy(array, array.dtype == "U8" ? at::kByte : at::kFloat);
  at::Tensor pictures = numbers_of(array);
  if (array.dtype != "U8") pictures = pictures.to(at::kFloat);
  if (are_channels_last(pictures, order)) pictures = pictures.permute({0, 3, 1, 2});
  return pictures.contiguous();
}

bool fits_float(const std::string& dtype) {
  constexpr const char* kWide[] = {"F64", "I64", "I32", "U64", "U32"};
  return std::find(std::begin(kWide), std::end(kWide), dtype) == std::end(kWide);
}

at::Tensor classes_of(const Array& array) {
  const at::Tensor& given = array.numbers;
  if (is_float(array))
    throw DataError(
        format("{}: classes are whole numbers, and these are {}; convert them, or use "
               "task: {{name: regression}}",
               array.place, array_text(array)));
  if (given.dim() > 2 || (given.dim() == 2 && given.size(1) != 1))
    throw DataError(
        format("{}: the class of a sample is one number, and these are {}; give [N], "
               "or use task: {{name: multi_label}}",
               array.place, array_text(array)));
  return numbers_of(array).reshape({-1}).to(at::kLong, /*non_blocking=*/false, /*copy=*/true);
}

at::Tensor columns_of(const Array& array, TargetKind kind) {
  const at::Tensor& given = array.numbers;
  if (given.dim() > 2)
    throw DataError(format("{}: targets are [N, {}], and these are {}; reshape them", array.place,
                           name_of(kind), array_text(array)));
  return numbers_of(array).reshape({given.size(0), -1});
}

at::Tensor labels_of(const Array& array) {
  const at::Tensor labels = columns_of(array, TargetKind::labels).to(at::kDouble);
  const auto is_label = [](const at::Tensor& part) { return part.eq(0).logical_or(part.eq(1)); };
  if (const auto bad = first_unsound(labels, is_label))
    throw DataError(
        format("{}: a label is 0 or 1, and sample {} (counted from 0) has another number; check "
               "which array it is",
               array.place, *bad));
  return labels.to(at::kByte);
}

// Those of `held` that are in `wanted`.
std::vector<std::string> common(const std::vector<std::string>& held,
                                const std::vector<std::string>& wanted) {
  std::vector<std::string> result;
  for (const std::string& name : held)
    if (std::count(wanted.begin(), wanted.end(), name) > 0) result.push_back(name);
  return result;
}

}  // namespace

at::Tensor array_inputs(const Array& array, ChannelOrder channels) {
  check_dimensions(array);
  const auto dimensions = array.numbers.dim();
  at::Tensor samples;
  if (dimensions == 4)
    samples = pictures_of(array, channels);
  else if (dimensions == 3 && array.dtype == "U8")
    samples = array.numbers.unsqueeze(1).contiguous();
  else if (dimensions == 1)
    samples = numbers_of(array).unsqueeze(1);
  else
    samples = numbers_of(array);
  if (samples.dim() != 4) {
    const auto type = fits_float(array.dtype) ? at::kFloat : at::kDouble;
    require_copy(array, type);
    samples = samples.to(type).contiguous();
  }
  check_finite_samples(array, samples, at::kFloat);
  return samples;
}

at::Tensor read_samples(const std::string& path, const std::vector<std::string>& names) {
  const ArrayFile file(path);
  const std::vector<std::string> held = file.names();
  std::vector<std::string> found = held.size() == 1 ? held : common(held, names);
  if (found.empty()) found = common(held, kInputNames);
  if (found.size() != 1)
    throw DataError(
        format("{}: {} of its {} arrays may be the inputs ({}); give a file of the "
               "inputs alone",
               path, found.size(), held.size(), joined(found.empty() ? names : found)));
  return array_inputs(file.array(found.front()), ChannelOrder::automatic);
}

TargetKind array_target_kind(const Array& training, std::optional<TargetKind> wanted) {
  if (wanted) return *wanted;
  check_dimensions(training);
  if (is_float(training)) return TargetKind::values;
  const at::Tensor& given = training.numbers;
  if (given.dim() == 1 || (given.dim() == 2 && given.size(1) == 1)) return TargetKind::classes;
  const at::Tensor numbers = numbers_of(training).to(at::kDouble);
  const bool are_labels = numbers.eq(0).logical_or(numbers.eq(1)).all().item<bool>();
  return are_labels ? TargetKind::labels : TargetKind::values;
}

at::Tensor array_targets(const Array& array, TargetKind kind) {
  check_dimensions(array);
  if (kind == TargetKind::classes) return classes_of(array);
  if (kind == TargetKind::labels) return labels_of(array);
  const at::Tensor values =
      columns_of(array, kind).to(at::kDouble, /*non_blocking=*/false, /*copy=*/true).contiguous();
  check_finite_samples(array, values, at::kDouble);
  return values;
}

}  // namespace onecycle
