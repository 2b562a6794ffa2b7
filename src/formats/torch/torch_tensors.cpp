#include "formats/torch/torch_tensors.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/printable.h"

#include <algorithm>
#include <array>
#include <map>

namespace onecycle {

using Kind = PickleNode::Kind;

namespace {

// How a tensor is made again: a function of torch/_utils.py and the tuple of its arguments.
struct TensorCall {
  std::string_view function;
  const PickleNode* arguments = nullptr;  // nullptr: no tensor
};

// Functions whose tensors are not read, with the place of the size in their arguments.
struct UnreadTensor {
  std::string_view function;
  const char* what;  // in place of the dtype
  std::size_t size;
};
constexpr std::size_t kNoSize = 99;
constexpr UnreadTensor kUnread[] = {
    {"_rebuild_sparse_tensor", "sparse", kNoSize},
    {"_rebuild_qtensor", "quantised", 2},
    {"_rebuild_meta_tensor_no_storage", "meta", 1},
    {"_rebuild_nested_tensor", "nested", kNoSize},
    {"_rebuild_wrapper_subclass", "subclass", 2},
    {"_rebuild_device_tensor_from_numpy", "of numpy", kNoSize},
};

constexpr std::string_view kUtilities = "torch._utils.";
constexpr std::string_view kRebuildV3 = "_rebuild_tensor_v3";

const UnreadTensor* unread(std::string_view function) {
  for (const UnreadTensor& one : kUnread)
    if (one.function == function) return &one;
  return nullptr;
}

// Of what a parameter, or a tensor of a device that saves it as one of the CPU, is made around.
bool wraps_tensor(std::string_view callable) {
  return callable == "torch.nn.parameter.Parameter" ||
         callable == "torch._utils._rebuild_parameter" ||
         callable == "torch._utils._rebuild_parameter_with_state" ||
         callable == "torch._utils._rebuild_device_tensor_from_cpu_tensor";
}

// Whether `global` makes a tensor; then without its module.
bool makes_tensor(std::string_view& global) {
  if (!global.starts_with(kUtilities)) return false;
  const std::string_view function = global.substr(kUtilities.size());
  if (function != "_rebuild_tensor" && function != "_rebuild_tensor_v2" && function != kRebuildV3 &&
      unread(function) == nullptr)
    return false;
  global = function;
  return true;
}

// Without the parameters around it.
TensorCall tensor_call(const PickleNode* node) {
  constexpr int kMostAround = 4;  // a value may stand within itself
  for (int i = 0; i < kMostAround && node->is(Kind::object); ++i) {
    if (!node->items[0]->is(Kind::global)) return {};
    std::string_view callable = node->items[0]->text;
    const auto& arguments = node->items[1]->items;
    if (makes_tensor(callable)) return {callable, node->items[1]};
    // A tensor with attributes: function, type, arguments, attributes.
    if (callable == "torch._tensor._rebuild_from_type_v2") {
      if (arguments.size() < 3 || !arguments[0]->is(Kind::global) || !arguments[2]->is(Kind::tuple))
        return {};
      std::string_view function = arguments[0]->text;
      return makes_tensor(function) ? TensorCall{function, arguments[2]} : TensorCall{};
    }
    // Before PyTorch 0.1.11: an empty tensor of a class, then its storage, offset, size, stride.
    if (callable.ends_with("Tensor") && node->state != nullptr && node->state->is(Kind::tuple))
      return {"_rebuild_tensor", node->state};
    if (!wraps_tensor(callable) || arguments.empty()) return {};
    node = arguments[0];
  }
  return {};
}

bool is_tensor(const PickleNode* node) { return tensor_call(node).arguments != nullptr; }

std::vector<std::int64_t> integers(const PickleNode& node) {
  const bool is_size = node.is(Kind::object) && node.items[0]->is_global("torch.Size") &&
                       node.items[1]->items.size() == 1;
  const PickleNode& tuple = is_size ? *node.items[1]->items[0] : node;
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

// The size of a sparse tensor: layout, (indices, values, size, ...).
const PickleNode* sparse_size(const std::vector<const PickleNode*>& arguments) {
  if (arguments.size() < 2 || !arguments[1]->is(Kind::tuple)) return nullptr;
  for (const PickleNode* part : arguments[1]->items)
    if (part->is(Kind::object) && part->items[0]->is_global("torch.Size")) return part;
  return nullptr;
}

// A tensor whose numbers are not read.
StoredTensor unread_tensor(const std::string& name, const std::string& dtype,
                           const PickleNode* size) {
  StoredTensor tensor;
  tensor.name = name;
  tensor.dtype = printable(dtype, 24);
  if (size != nullptr) tensor.shape = integers(*size);
  if (!num_elements(tensor.shape)) throw CheckpointError("its size is beyond any memory");
  return tensor;
}

StoredTensor read_tensor(const std::string& name, const TensorCall& call,
                         const std::function<TorchStorage(const PickleNode&)>& storage_of) {
  const auto& arguments = call.arguments->items;  // storage, offset, size, stride, ...
  if (const UnreadTensor* kind = unread(call.function))
    return unread_tensor(
        name, kind->what,
        kind->size < arguments.size() ? arguments[kind->size] : sparse_size(arguments));
  if (arguments.size() < 4 || !arguments[0]->is(Kind::persistent) ||
      !arguments[1]->is(Kind::integer))
    throw CheckpointError("the arguments of a tensor are not those of torch.save");
  const TorchStorage storage = storage_of(*arguments[0]);
  std::string dtype = storage.dtype;
  if (call.function == kRebuildV3) {  // over bytes, the dtype among its arguments
    if (arguments.size() < 7 || !arguments[6]->is(Kind::global) || dtype != "U8")
      throw CheckpointError("the arguments of a tensor are not those of torch.save");
    dtype = dtype_element(arguments[6]->text).dtype;
  }
  const std::uint64_t element = element_bytes(dtype);
  if (element == 0) return unread_tensor(name, dtype, arguments[2]);
  StoredTensor tensor;
  tensor.name = name;
  tensor.dtype = std::move(dtype);
  tensor.shape = integers(*arguments[2]);
  tensor.strides = integers(*arguments[3]);
  const auto elements = num_elements(tensor.shape);
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

// Cut where it is longer than any name: one text may stand in many places.
std::string key_text(const PickleNode& key) {
  constexpr std::size_t kLongest = 1024;
  if (key.is(Kind::text) || key.is(Kind::bytes)) return std::string(key.text.substr(0, kLongest));
  return key.is(Kind::integer) ? std::to_string(key.integer) : "?";
}

constexpr std::string_view kAverageCount = "n_averaged";

// Whether it is of torch.optim.swa_utils.AveragedModel: a module's weights, and of how many steps.
bool is_averaged_model(const PickleNode& state) {
  bool counted = false;
  for (std::size_t i = 0; i < state.items.size(); i += 2) {
    const PickleNode& key = *state.items[i];
    if (key.is_text(kAverageCount))
      counted = true;
    else if (!key.is(Kind::text) || !key.text.starts_with("module."))
      return false;
  }
  return counted && state.items.size() > 2;
}

constexpr std::size_t kMembers = 1000;  // looked at: values may stand in many places

// Whether a dict holds tensors, or has a usual member that does.
bool leads_to_tensors(const PickleNode& dict) {
  if (holds_tensors(dict, kMembers)) return true;
  return std::any_of(kUsualMembers.begin(), kUsualMembers.end(), [&](const char* usual) {
    const PickleNode* value = dict.find(usual);
    return value != nullptr && holds_tensors(*value, kMembers);
  });
}

// The dict of tensors in `root`, with its place in the result.
const PickleNode& find_state(const PickleNode& root, TorchWeights& result) {
  constexpr int kDeepest = 3;
  std::string& member = result.member;
  const PickleNode* node = &root;
  for (int depth = 0; depth < kDeepest; ++depth) {
    const PickleNode* inner = nullptr;
    bool sure = false;  // settings may have a usual name too
    std::string found;
    for (const char* usual : kUsualMembers) {
      const PickleNode* value = node->find(usual);
      if (value == nullptr || !value->is(Kind::dict) || value->items.empty()) continue;
      const bool leads = leads_to_tensors(*value);
      if (inner == nullptr || (leads && !sure)) {
        inner = value;
        found = usual;
        sure = leads;
      } else if (leads) {
        result.beside.emplace_back(usual);
      }
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

bool holds_tensors(const PickleNode& node, std::size_t most) {
  if (!node.is(Kind::dict)) return false;
  for (std::size_t i = 1; i < node.items.size() && i < 2 * most; i += 2)
    if (is_tensor(node.items[i])) return true;
  return false;
}

StorageId storage_id(const PickleNode& persistent) {
  const PickleNode& id = *persistent.items[0];
  if (!id.is(Kind::tuple) || id.items.size() < 5 || !id.items[0]->is_text("storage") ||
      !id.items[1]->is(Kind::global) || !id.items[4]->is(Kind::integer) || id.items[4]->integer < 0)
    throw CheckpointError("a persistent id is not a storage; save the state_dict(), not the model");
  StorageId result;
  const std::string_view type = id.items[1]->text;
  const TorchElement* element = storage_element(type);
  if (element == nullptr)
    throw CheckpointError(format("{} is not a storage type", printable(type)));
  result.element = *element;
  result.key = key_text(*id.items[2]);
  result.elements = static_cast<std::uint64_t>(id.items[4]->integer);
  if (id.items.size() > 5 && !id.items[5]->is(Kind::none)) result.view = id.items[5];
  return result;
}

TorchWeights torch_weights(const PickleNode& root,
                           const std::function<TorchStorage(const PickleNode&)>& storage_of) {
  TorchWeights result;
  const PickleNode& state = find_state(root, result);
  const bool averaged = is_averaged_model(state);
  std::map<std::string, std::size_t> places;  // the last of equal names counts
  for (std::size_t i = 0; i < state.items.size(); i += 2) {
    const std::string name = key_text(*state.items[i]);
    const TensorCall call = tensor_call(state.items[i + 1]);
    if (call.arguments == nullptr || (averaged && name == kAverageCount)) {
      result.skipped.push_back(printable(name));
      continue;
    }
    check_tensor_name(name);
    StoredTensor tensor;
    try {
      tensor = read_tensor(name, call, storage_of);
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
