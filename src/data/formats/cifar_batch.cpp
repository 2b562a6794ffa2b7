#include "data/formats/cifar_batch.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "formats/numpy/pickled_array.h"

namespace onecycle {

namespace {

constexpr std::size_t kPixels = 3 * 32 * 32;

[[noreturn]] void refuse_batch(const std::string& name, const std::string& why) {
  throw DataError(format("{}: {}; get the file again", name, why));
}

void append_pixels(std::string_view pixels, CifarSamples& samples) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(pixels.data());
  samples.pixels.insert(samples.pixels.end(), first, first + pixels.size());
}

const char* key_of(CifarLabels labels) {
  return labels == CifarLabels::single   ? "labels"
         : labels == CifarLabels::coarse ? "coarse_labels"
                                         : "fine_labels";
}

}  // namespace

void append_binary_batch(std::string_view bytes, CifarLabels labels, const std::string& name,
                         CifarSamples& samples) {
  const std::size_t label_bytes = labels == CifarLabels::single ? 1 : 2;
  const std::size_t record = label_bytes + kPixels;
  if (bytes.empty()) refuse_batch(name, "empty");
  if (bytes.size() % record != 0)
    refuse_batch(name, format("{} bytes are {} records of {} bytes and {} bytes more: truncated, "
                              "oversized or not CIFAR's binary version",
                              bytes.size(), bytes.size() / record, record, bytes.size() % record));
  const std::size_t label_at = labels == CifarLabels::fine ? 1 : 0;
  for (std::size_t at = 0; at < bytes.size(); at += record) {
    samples.labels.push_back(static_cast<std::uint8_t>(bytes[at + label_at]));
    append_pixels(bytes.substr(at + label_bytes, kPixels), samples);
  }
}

void append_python_batch(std::string_view bytes, CifarLabels labels, const std::string& name,
                         CifarSamples& samples) {
  try {
    const Pickle pickle(bytes, numpy_globals());
    const PickleNode* numbers = pickled_member(pickle.root(), key_of(labels));
    if (numbers == nullptr)
      refuse_batch(
          name, format("holds no list `{}`: not a file of CIFAR's Python version", key_of(labels)));
    const auto classes = pickled_integers(*numbers);
    if (!classes || classes->empty())
      refuse_batch(name, format("its `{}` are not a list or array of integers", key_of(labels)));
    const PickleNode* data = pickled_member(pickle.root(), "data");
    const auto pixels = data == nullptr ? std::nullopt : pickled_array(*data);
    if (!pixels) refuse_batch(name, "its `data` is not a numpy array in C order");
    const std::size_t rows = classes->size();
    if (pixels->dtype != "u1" || pixels->bytes.size() != rows * kPixels ||
        pixels->shape !=
            std::vector{static_cast<std::int64_t>(rows), static_cast<std::int64_t>(kPixels)})
      refuse_batch(name, format("its `data` is not {} rows of {} uint8 pixels", rows, kPixels));
    samples.labels.insert(samples.labels.end(), classes->begin(), classes->end());
    append_pixels(pixels->bytes, samples);
  } catch (const PickleError& error) {
    refuse_batch(name, std::string("not a file of CIFAR's Python version: ") + error.what());
  }
}

}  // namespace onecycle
