#include "data/formats/cifar_batch.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "formats/pickle/pickle.h"

namespace onecycle {

namespace {

constexpr std::size_t kPixels = 3 * 32 * 32;

using Kind = PickleNode::Kind;

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

// Whether `node` is dtype('u1'): an object of numpy.dtype with that name.
bool is_uint8(const PickleNode& node) {
  return node.is(Kind::object) && node.items.size() == 2 &&
         node.items[0]->is_global("numpy.dtype") && !node.items[1]->items.empty() &&
         (node.items[1]->items[0]->is_text("u1") || node.items[1]->items[0]->is_text("|u1"));
}

// The bytes of a numpy array of uint8 [rows, 3072] in C order; its state is (version, shape, dtype,
// is_fortran, bytes).
std::string_view array_bytes(const PickleNode* array, std::size_t rows, const std::string& name) {
  const PickleNode* state = array != nullptr && array->is(Kind::object) ? array->state : nullptr;
  if (state == nullptr || !state->is(Kind::tuple) || state->items.size() != 5)
    refuse_batch(name, "its `data` is not a numpy array");
  const PickleNode& shape = *state->items[1];
  const PickleNode& bytes = *state->items[4];
  const bool sized = shape.is(Kind::tuple) && shape.items.size() == 2 &&
                     shape.items[0]->is(Kind::integer) &&
                     shape.items[0]->integer == static_cast<std::int64_t>(rows) &&
                     shape.items[1]->is(Kind::integer) &&
                     shape.items[1]->integer == static_cast<std::int64_t>(kPixels);
  const bool ordered = state->items[3]->is(Kind::boolean) && state->items[3]->integer == 0;
  const bool whole =
      (bytes.is(Kind::bytes) || bytes.is(Kind::text)) && bytes.text.size() == rows * kPixels;
  if (!sized || !ordered || !whole || !is_uint8(*state->items[2]))
    refuse_batch(name, format("its `data` is not {} rows of {} uint8 pixels", rows, kPixels));
  return bytes.text;
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
    const Pickle pickle(
        bytes, {"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
                "numpy.ndarray", "numpy.dtype"});
    const PickleNode& batch = pickle.root();
    const PickleNode* numbers = batch.is(Kind::dict) ? batch.find(key_of(labels)) : nullptr;
    if (numbers == nullptr || !numbers->is(Kind::list) || numbers->items.empty())
      refuse_batch(
          name, format("holds no list `{}`: not a file of CIFAR's Python version", key_of(labels)));
    const std::string_view pixels = array_bytes(batch.find("data"), numbers->items.size(), name);
    for (const PickleNode* number : numbers->items) {
      if (!number->is(Kind::integer)) refuse_batch(name, "holds a label that is not a number");
      samples.labels.push_back(number->integer);
    }
    append_pixels(pixels, samples);
  } catch (const PickleError& error) {
    refuse_batch(name, std::string("not a file of CIFAR's Python version: ") + error.what());
  }
}

}  // namespace onecycle
