#include "formats/numpy/npy.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/number.h"
#include "core/text/printable.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// "\x93NUMPY", two bytes of version, the header's length (little-endian, 2 bytes in version 1, else
// 4), the header: a Python dict of `descr`, `fortran_order` and `shape`, then the numbers.
namespace onecycle {

namespace {

constexpr std::string_view kNpyMagic = "\x93NUMPY";
constexpr std::size_t kBeforeLength = 8;
constexpr std::uint64_t kLongestNpyHeader = 1 << 16;  // numpy itself takes 10,000 bytes

constexpr std::pair<std::string_view, const char*> kNumpyTypes[] = {
    {"f2", "F16"}, {"f4", "F32"}, {"f8", "F64"}, {"i1", "I8"},  {"i2", "I16"}, {"i4", "I32"},
    {"i8", "I64"}, {"u1", "U8"},  {"u2", "U16"}, {"u4", "U32"}, {"u8", "U64"}, {"b1", "BOOL"}};

[[noreturn]] void fail_npy(const std::string& why) {
  throw CheckpointError("not a sound .npy file: " + why);
}

// Reads a Python literal from its start on.
class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text) {}

  // Takes the character where it comes next, after blanks.
  bool take(char wanted) {
    skip_blanks();
    if (text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!take(wanted)) fail_npy(format("its header lacks a '{}'", wanted));
  }

  // Up to the first character that belongs to no word or number.
  std::string_view word() {
    skip_blanks();
    const std::size_t end = text_.find_first_of(" \t\n,:()[]{}'\"");
    const std::string_view found = text_.substr(0, end);
    text_.remove_prefix(found.size());
    return found;
  }

  // Of quotes of either kind, without escapes; nothing where none comes next.
  std::optional<std::string_view> text() {
    skip_blanks();
    if (text_.empty() || (text_.front() != '\'' && text_.front() != '"')) return std::nullopt;
    const std::size_t end = text_.find(text_.front(), 1);
    if (end == std::string_view::npos) fail_npy("its header has an open quote");
    const std::string_view found = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return found;
  }

  bool at_end() {
    skip_blanks();
    return text_.empty();
  }

 private:
  void skip_blanks() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t\n"), text_.size()));
  }

  std::string_view text_;
};

struct NpyHeader {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::int64_t>> shape;
};

std::vector<std::int64_t> shape_in(Literal& text) {
  std::vector<std::int64_t> shape;
  text.expect('(');
  while (!text.take(')')) {
    const std::string_view word = text.word();
    const auto length = parse_integer(word);
    if (!length || *length < 0)
      fail_npy(format("its shape has a length '{}'", printable(word, 24)));
    if (shape.size() == kMostDimensions)
      fail_npy(format("it has more than {} dimensions", kMostDimensions));
    shape.push_back(*length);
    if (text.take(',')) continue;
    text.expect(')');
    break;
  }
  return shape;
}

NpyHeader header_in(std::string_view whole) {
  Literal text(whole);
  NpyHeader header;
  text.expect('{');
  while (!text.take('}')) {
    const auto key = text.text();
    if (!key) fail_npy("its header is no dict of texts");
    text.expect(':');
    if (*key == "descr") {
      const auto descr = text.text();
      if (!descr)
        throw CheckpointError("its elements are records of fields; save one array of numbers each");
      header.descr = *descr;
    } else if (*key == "fortran_order") {
      const std::string_view word = text.word();
      if (word != "True" && word != "False") fail_npy("its `fortran_order` is no truth value");
      header.fortran_order = word == "True";
    } else if (*key == "shape") {
      header.shape = shape_in(text);
    } else {
      fail_npy(format("its header has the key '{}'", printable(*key, 24)));
    }
    if (text.take(',')) continue;
    text.expect('}');
    break;
  }
  if (!text.at_end()) fail_npy("its header goes on after its dict");
  if (!header.descr || !header.fortran_order || !header.shape)
    fail_npy("its header lacks `descr`, `fortran_order` or `shape`");
  return header;
}

// "<f4" -> "F32".
const char* dtype_of(std::string_view descr) {
  const auto refuse = [&](const char* what) {
    throw CheckpointError(format("its elements are {} ({})", what, printable(descr, 24)));
  };
  const char order = descr.empty() ? ' ' : descr.front();
  const std::string_view type = descr.substr(std::min<std::size_t>(descr.size(), 1));
  if (type.starts_with('O'))
    refuse("Python objects, a pickle, which is never run; save an array of numbers");
  for (const auto& [numpy, dtype] : kNumpyTypes) {
    if (type != numpy) continue;
    if (order == '<' || order == '|' || (order == '>' && element_bytes(dtype) == 1)) return dtype;
    if (order == '>')
      refuse("big-endian; save the array again, converted with astype to a type that begins in <");
  }
  refuse("neither numbers of up to 8 bytes nor truth values; convert them with numpy's astype");
  return nullptr;
}

std::vector<std::int64_t> fortran_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides;
  std::int64_t stride = 1;
  for (const std::int64_t length : shape) {
    strides.push_back(stride);
    stride *= std::max<std::int64_t>(length, 1);
  }
  return strides;
}

}  // namespace

bool is_npy(std::string_view bytes) { return bytes.starts_with(kNpyMagic); }

StoredTensor parse_npy(std::string_view bytes) {
  if (!is_npy(bytes)) fail_npy("it does not begin as one");
  if (bytes.size() < kBeforeLength) fail_npy("it is cut short");
  const int version = static_cast<unsigned char>(bytes[kNpyMagic.size()]);
  if (version < 1 || version > 3) fail_npy(format("its version is {}, not 1 to 3", version));
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  if (bytes.size() < kBeforeLength + length_bytes) fail_npy("it is cut short");
  std::uint64_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;)
    length = length << 8 | static_cast<unsigned char>(bytes[kBeforeLength + i]);
  bytes.remove_prefix(kBeforeLength + length_bytes);
  if (length > kLongestNpyHeader) fail_npy(format("its header would be {} bytes long", length));
  if (length > bytes.size()) fail_npy("it is cut short");

  const NpyHeader header = header_in(bytes.substr(0, length));
  bytes.remove_prefix(length);
  StoredTensor result;
  result.dtype = dtype_of(*header.descr);
  result.shape = *header.shape;
  const auto elements = num_elements(result.shape);
  if (!elements) fail_npy("its shape is more than any memory");
  result.bytes = *elements * element_bytes(result.dtype);
  if (result.bytes != bytes.size())
    fail_npy(format("{} of {} need {} bytes, and it holds {}: {}", shape_text(result.shape),
                    result.dtype, result.bytes, bytes.size(),
                    result.bytes > bytes.size() ? "it is cut short" : "it goes on after them"));
  result.data = bytes.data();
  if (*header.fortran_order) result.strides = fortran_strides(result.shape);
  return result;
}

}  // namespace onecycle
