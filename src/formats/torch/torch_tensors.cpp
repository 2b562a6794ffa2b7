#include "formats/torch/torch_tensors.h"

#include "onecycle/error.h"

#include "core/text/format.h"

#include <algorithm>
#include <array>
#include <map>

namespace onecycle {

using Kind = PickleNode::Kind;

namespace {

constexpr const char* kRebuild = "torch._utils._rebuild_tensor";
constexpr const char* kRebuild2 = "torch._utils._rebuild_tensor_v2";
constexpr const char* kParameter = "torch._utils._rebuild_parameter";

const std::map<std::string, std::string, std::less<>>& storage_types() {
  static const std::map<std::string, std::string, std::less<>> types = {
      {"DoubleStorage", "F64"},    {"FloatStorage", "F32"}, {"HalfStorage", "F16"},
      {"BFloat16Storage", "BF16"}, {"LongStorage", "I64"},  {"IntStorage", "I32"},
      {"ShortStorage", "I16"},     {"CharStorage", "I8"},   {"ByteStorage", "U8"},
      {"BoolStorage", "BOOL"}};
  return types;
}

// A tensor's call, without the parameter around it; nullptr for what is no tensor.
const PickleNode* tensor_call(const PickleNode* node) {
  if (node->is(Kind::object) && node->items[0]->is_global(kParameter) &&
      !node->items[1]->items.empty())
    node = node->items[1]->items[0];
  const bool is_tensor = node->is(Kind::object) && (node->items[0]->is_global(kRebuild) ||
                                                    node->items[0]->is_global(kRebuild2));
  return is_tensor ? node : nullptr;
}

std::vector<std::int64_t> integers(const PickleNode& tuple) {
  if (!tuple.is(Kind::tuple) || tuple.items.size() > kMostDimensions)
    throw CheckpointError("a tensor's sizes or strides are malformed");
  std::vector<std::int64_t> values;
  for (const PickleNode* item : tuple.items) {
    if (!item->is(Kind::integer)) throw CheckpointError("a size or stride is not an integer");
    values.push_back(item->integer);
  }
  return values;
}

// The place of the last element, counted from the first; nothing where that exceeds `most`.
std::optional<std::uint64_t> extent(const StoredTensor& tensor, std::uint64_t most) {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    const auto steps = static_cast<std::uint64_t>(tensor.shape[i] - 1);
    const auto stride = static_cast<std::uint64_t>(tensor.strides[i]);
    if (steps != 0 && stride > (most - last) / steps) return std::nullopt;
    last += steps * stride;
  }
  return last;
}

StoredTensor read_tensor(const std::string& name, const PickleNode& call,
                         const std::function<TorchStorage(const PickleNode&)>& storage_of) {
  const auto& arguments = call.items[1]->items;  // storage, offset, size, stride, ...
  if (arguments.size() < 4 || !arguments[0]->is(Kind::persistent) ||
      !arguments[1]->is(Kind::integer))
    throw CheckpointError("the arguments of a tensor are not those of torch.save");
  const TorchStorage storage = storage_of(*arguments[0]);
  StoredTensor tensor;
  tensor.name = name;
  tensor.dtype = storage.dtype;
  tensor.shape = integers(*arguments[2]);
  tensor.strides = integers(*arguments[3]);
  const auto elements = num_elements(tensor.shape);
  const std::uint64_t element = element_bytes(storage.dtype);
  const std::uint64_t available = storage.bytes.size() / element;
  const std::int64_t offset = arguments[1]->integer;
  if (!elements || *elements > available || tensor.strides.size() != tensor.shape.size() ||
      offset < 0 || static_cast<std::uint64_t>(offset) > available)
    throw CheckpointError(
        format("the size or offset of {} exceeds its storage", shape_text(tensor.shape)));
  for (const std::int64_t stride : tensor.strides)
    if (stride < 0) throw CheckpointError("a stride is negative");
  if (*elements > 0) {
    const std::uint64_t room = available - static_cast<std::uint64_t>(offset);
    const auto last = room == 0 ? std::nullopt : extent(tensor, room - 1);
    if (!last) throw CheckpointError("its size and strides exceed its storage");
    if (*last + 1 < *elements) throw CheckpointError("its elements overlap");
  }
  tensor.data = storage.bytes.data() + static_cast<std::uint64_t>(offset) * element;
  tensor.bytes = *elements * element;
  return tensor;
}

// Among the first `most` values of a dict.
bool holds_tensors(const PickleNode& node, std::size_t most) {
  if (!node.is(Kind::dict)) return false;
  for (std::size_t i = 1; i < node.items.size() && i < 2 * most; i += 2)
    if (tensor_call(node.items[i]) != nullptr) return true;
  return false;
}

// Cut where it is longer than any name: one text may stand in many places.
std::string key_text(const PickleNode& key) {
  constexpr std::size_t kLongest = 1024;
  if (key.is(Kind::text) || key.is(Kind::bytes)) return std::string(key.text.substr(0, kLongest));
  return key.is(Kind::integer) ? std::to_string(key.integer) : "?";
}

// The dict of tensors in `root`, with its place in `member`.
const PickleNode& find_state(const PickleNode& root, std::string& member) {
  constexpr std::array kUsual = {"state_dict", "model_state_dict", "model",  "net",
                                 "network",    "weights",          "params", "module"};
  constexpr int kDeepest = 3;
  constexpr std::size_t kMembers = 1000;  // looked at: values may stand in many places
  const PickleNode* node = &root;
  for (int depth = 0; depth < kDeepest; ++depth) {
    const PickleNode* inner = nullptr;
    std::string found;
    for (const char* usual : kUsual) {
      const PickleNode* value = node->find(usual);
      if (inner != nullptr || value == nullptr || !value->is(Kind::dict) || tensor_call(value))
        continue;
      inner = value;
      found = usual;
    }
    if (inner == nullptr) break;
    member += (member.empty() ? "" : ".") + found;
    node = inner;
  }
  if (holds_tensors(*node, node->items.size())) return *node;
  const PickleNode* only = nullptr;
  std::string names;
  const std::size_t looked_at = node->is(Kind::dict) ? std::min(node->items.size(), kMembers) : 0;
  for (std::size_t i = 0; i < looked_at; i += 2) {
    if (!holds_tensors(*node->items[i + 1], kMembers)) continue;
    if (only != nullptr)
      throw CheckpointError(
          format("several of its members hold tensors ({}, {}); save the state_dict() alone", names,
                 printable(key_text(*node->items[i]))));
    only = node->items[i + 1];
    names = printable(key_text(*node->items[i]));
  }
  if (only == nullptr)
    throw CheckpointError("holds no tensors by name; save a model's state_dict(), not the model");
  member += (member.empty() ? "" : ".") + names;
  return *only;
}

}  // namespace

const std::set<std::string, std::less<>>& torch_globals() {
  static const auto globals = [] {
    std::set<std::string, std::less<>> names = {
        kRebuild, kRebuild2, kParameter, "torch.Size", "torch.device",
        // Losses and accuracies beside the weights.
        "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype",
        "_codecs.encode"};
    for (const auto& [type, dtype] : storage_types()) {
      names.insert("torch." + type);
      names.insert("torch.cuda." + type);
    }
    return names;
  }();
  return globals;
}

StorageId storage_id(const PickleNode& persistent) {
  const PickleNode& id = *persistent.items[0];
  if (!id.is(Kind::tuple) || id.items.size() < 5 || !id.items[0]->is_text("storage") ||
      !id.items[1]->is(Kind::global) || !id.items[4]->is(Kind::integer) || id.items[4]->integer < 0)
    throw CheckpointError("a persistent id is not a storage; save the state_dict(), not the model");
  StorageId result;
  const std::string_view type = id.items[1]->text;
  const auto found = storage_types().find(type.substr(type.rfind('.') + 1));
  if (found == storage_types().end())
    throw CheckpointError(format("{} is not a storage type", printable(type)));
  result.dtype = found->second;
  result.key = key_text(*id.items[2]);
  result.elements = static_cast<std::uint64_t>(id.items[4]->integer);
  if (id.items.size() > 5 && !id.items[5]->is(Kind::none)) result.view = id.items[5];
  return result;
}

TorchWeights torch_weights(const PickleNode& root,
                           const std::function<TorchStorage(const PickleNode&)>& storage_of) {
  TorchWeights result;
  const PickleNode& state = find_state(root, result.member);
  std::map<std::string, std::size_t> places;  // the last of equal names counts
  for (std::size_t i = 0; i < state.items.size(); i += 2) {
    const std::string name = key_text(*state.items[i]);
    const PickleNode* call = tensor_call(state.items[i + 1]);
    if (call == nullptr) {
      result.skipped.push_back(printable(name));
      continue;
    }
    check_tensor_name(name);
    StoredTensor tensor;
    try {
      tensor = read_tensor(name, *call, storage_of);
    } catch (const Error& error) {
      throw CheckpointError(format("refused: {}: {}", name, error.what()));
    }
    const auto [place, is_new] = places.emplace(name, result.tensors.size());
    if (is_new) {
      result.tensors.push_back(std::move(tensor));
    } else {
      result.tensors[place->second] = std::move(tensor);
    }
  }
  return result;
}

}  // namespace onecycle
