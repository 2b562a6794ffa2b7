#include "formats/numpy/pickled_array.h"

#include <array>

namespace onecycle {

using Kind = PickleNode::Kind;

namespace {

constexpr std::size_t kWidestInteger = 8;

constexpr std::array kModules = {"numpy.core.", "numpy._core."};  // before and from 2.0 on

// The arguments of a call of `name` in one of numpy's modules; or nullptr.
const PickleNode* numpy_call(const PickleNode& node, std::string_view name) {
  if (!node.is(Kind::object) || !node.items[0]->is(Kind::global)) return nullptr;
  for (const std::string_view module : kModules) {
    const std::string_view global = node.items[0]->text;
    if (global.starts_with(module) && global.substr(module.size()) == name) return node.items[1];
  }
  return nullptr;
}

// Before protocol 3, which has an operation for them, Python 3 writes bytes as the text of which
// they are the Latin-1; the text, or nullptr.
const PickleNode* encoded_text(const PickleNode& node) {
  if (!node.is(Kind::object) || !node.items[0]->is_global("_codecs.encode")) return nullptr;
  const auto& arguments = node.items[1]->items;
  if (arguments.size() != 2 || !arguments[0]->is(Kind::text) || !arguments[1]->is_text("latin1"))
    return nullptr;
  return arguments[0];
}

std::optional<std::string> from_latin1(std::string_view utf8) {
  std::string bytes;
  bytes.reserve(utf8.size());
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    if (lead < 0x80) {
      bytes += utf8[i];
      continue;
    }
    if ((lead != 0xc2 && lead != 0xc3) || i + 1 == utf8.size()) return std::nullopt;
    const auto next = static_cast<unsigned char>(utf8[++i]);
    if ((next & 0xc0) != 0x80) return std::nullopt;
    bytes += static_cast<char>((lead & 0x03) << 6 | (next & 0x3f));
  }
  return bytes;
}

// Nothing for many more than `most`: a value may stand in many places, and is copied in each.
std::optional<std::string> pickled_bytes(const PickleNode& node,
                                         std::size_t most = std::string_view::npos) {
  const PickleNode* encoded = encoded_text(node);
  if (encoded == nullptr && !node.is(Kind::bytes)) return std::nullopt;
  const std::string_view text = encoded == nullptr ? node.text : encoded->text;
  if (text.size() / 2 > most) return std::nullopt;
  return encoded == nullptr ? std::string(text) : from_latin1(text);
}

// Its name without the order of bytes, "" where that is not the file's.
std::string_view dtype_name(const PickleNode& node) {
  if (!node.is(Kind::object) || !node.items[0]->is_global("numpy.dtype") ||
      node.items[1]->items.empty())
    return "";
  const PickleNode& argument = *node.items[1]->items[0];
  if (!argument.is(Kind::text) && !argument.is(Kind::bytes)) return "";
  std::string_view name = argument.text;
  if (name.starts_with('<') || name.starts_with('|')) name.remove_prefix(1);
  // Its state begins with a version and the order.
  const PickleNode* state = node.state;
  if (state != nullptr && state->items.size() > 1 && state->items[1]->is_text(">")) return "";
  return name;
}

std::optional<std::vector<std::int64_t>> sizes_of(const PickleNode& tuple) {
  if (!tuple.is(Kind::tuple)) return std::nullopt;
  std::vector<std::int64_t> sizes;
  for (const PickleNode* size : tuple.items) {
    if (!size->is(Kind::integer)) return std::nullopt;
    sizes.push_back(size->integer);
  }
  return sizes;
}

// Bytes of an element of "i1" to "u8"; 0 for another dtype.
std::size_t integer_bytes(std::string_view dtype) {
  if (dtype.size() != 2 || (dtype[0] != 'i' && dtype[0] != 'u')) return 0;
  const char width = dtype[1];
  return width == '1' || width == '2' || width == '4' || width == '8'
             ? static_cast<std::size_t>(width - '0')
             : 0;
}

std::int64_t integer_of(std::string_view bytes, bool is_signed) {
  const bool negative = is_signed && (bytes.back() & 0x80) != 0;
  std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return static_cast<std::int64_t>(value);
}

std::optional<std::int64_t> pickled_integer(const PickleNode& node) {
  if (node.is(Kind::integer)) return node.integer;
  const PickleNode* scalar = numpy_call(node, "multiarray.scalar");
  if (scalar == nullptr || scalar->items.size() != 2) return std::nullopt;
  const std::string_view dtype = dtype_name(*scalar->items[0]);
  const auto bytes = pickled_bytes(*scalar->items[1], kWidestInteger);
  const std::size_t width = integer_bytes(dtype);
  if (width == 0 || !bytes || bytes->size() != width) return std::nullopt;
  return integer_of(*bytes, dtype[0] == 'i');
}

}  // namespace

const std::set<std::string, std::less<>>& numpy_globals() {
  static const auto globals = [] {
    std::set<std::string, std::less<>> names = {"numpy.ndarray", "numpy.dtype", "_codecs.encode"};
    for (const std::string module : kModules)
      for (const char* name :
           {"multiarray._reconstruct", "multiarray.scalar", "numeric._frombuffer"})
        names.insert(module + name);
    return names;
  }();
  return globals;
}

std::optional<PickledArray> pickled_array(const PickleNode& node) {
  const PickleNode *bytes = nullptr, *dtype = nullptr, *shape = nullptr;
  if (numpy_call(node, "multiarray._reconstruct") != nullptr) {
    // The state: version, shape, dtype, whether in Fortran's order, bytes.
    const PickleNode* state = node.state;
    if (state == nullptr || !state->is(Kind::tuple) || state->items.size() != 5 ||
        !state->items[3]->is(Kind::boolean) || state->items[3]->integer != 0)
      return std::nullopt;
    shape = state->items[1];
    dtype = state->items[2];
    bytes = state->items[4];
  } else if (const PickleNode* call = numpy_call(node, "numeric._frombuffer")) {  // of protocol 5
    if (call->items.size() != 4 || !call->items[3]->is_text("C")) return std::nullopt;
    bytes = call->items[0];
    dtype = call->items[1];
    shape = call->items[2];
  } else {
    return std::nullopt;
  }
  auto numbers = pickled_bytes(*bytes);
  auto sizes = sizes_of(*shape);
  if (!numbers || !sizes) return std::nullopt;
  return PickledArray{std::string(dtype_name(*dtype)), std::move(*sizes), std::move(*numbers)};
}

std::optional<std::vector<std::int64_t>> pickled_integers(const PickleNode& node) {
  std::vector<std::int64_t> integers;
  if (node.is(Kind::list)) {
    for (const PickleNode* item : node.items) {
      const auto integer = pickled_integer(*item);
      if (!integer) return std::nullopt;
      integers.push_back(*integer);
    }
    return integers;
  }
  const auto array = pickled_array(node);
  const std::size_t width = array ? integer_bytes(array->dtype) : 0;
  if (width == 0 || array->shape.size() != 1 || array->bytes.size() % width != 0 ||
      array->shape[0] != static_cast<std::int64_t>(array->bytes.size() / width))
    return std::nullopt;
  const std::string_view bytes = array->bytes;
  for (std::size_t at = 0; at < bytes.size(); at += width)
    integers.push_back(integer_of(bytes.substr(at, width), array->dtype[0] == 'i'));
  return integers;
}

const PickleNode* pickled_member(const PickleNode& dict, std::string_view key) {
  if (!dict.is(Kind::dict)) return nullptr;
  if (const PickleNode* value = dict.find(key)) return value;
  for (std::size_t i = dict.items.size(); i >= 2; i -= 2) {
    const PickleNode* text = encoded_text(*dict.items[i - 2]);
    if (text != nullptr && text->text == key) return dict.items[i - 1];
  }
  return nullptr;
}

}  // namespace onecycle
