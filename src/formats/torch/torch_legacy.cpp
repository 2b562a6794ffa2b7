#include "onecycle/error.h"

#include "core/text/format.h"
#include "formats/torch/torch_advice.h"
#include "formats/torch/torch_archive.h"

#include <map>

// torch/serialization.py, _legacy_save: a magic number, the protocol version, the machine's types,
// the object, the list of storage keys, all pickles; then each storage: the number of its elements
// (8 bytes) and the elements.
namespace onecycle {

using Kind = PickleNode::Kind;

namespace {

constexpr std::string_view kMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr std::int64_t kProtocol = 1001;
constexpr std::size_t kCountBytes = 8;

using Storages = std::map<std::string, TorchStorage, std::less<>>;

// Takes a small pickle off the front.
std::int64_t take_integer(std::string_view& bytes) {
  const Pickle pickle(bytes, {});
  bytes.remove_prefix(pickle.size());
  return pickle.root().is(Kind::integer) ? pickle.root().integer : -1;
}

void take_machine(std::string_view& bytes) {
  const Pickle pickle(bytes, {});
  bytes.remove_prefix(pickle.size());
  const PickleNode* little = pickle.root().find("little_endian");
  if (little == nullptr || !little->is(Kind::boolean) || little->integer != 1)
    throw CheckpointError("its numbers are not little-endian");
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = kCountBytes; i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// Dtype and number of elements by key, from every id that the object names.
std::map<std::string, StorageId> named_storages(const Pickle& object) {
  std::map<std::string, StorageId> named;
  for (const PickleNode& node : object.nodes()) {
    if (!node.is(Kind::persistent)) continue;
    const StorageId id = storage_id(node);
    const auto [known, is_new] = named.emplace(id.key, id);
    if (!is_new &&
        (known->second.element.dtype != id.element.dtype || known->second.elements != id.elements))
      throw CheckpointError(format("storage {} has two types or sizes", printable(id.key)));
  }
  return named;
}

Storages read_storages(std::string_view bytes, const Pickle& keys, const Pickle& object) {
  const auto named = named_storages(object);
  Storages storages;
  for (const PickleNode* key : keys.root().items) {
    const auto id = key->is(Kind::text) || key->is(Kind::bytes) ? named.find(std::string(key->text))
                                                                : named.end();
    if (id == named.end()) throw CheckpointError("it holds a storage that no tensor names");
    const std::uint64_t element = id->second.element.bytes;
    if (bytes.size() < kCountBytes || little_endian(bytes) != id->second.elements ||
        id->second.elements > (bytes.size() - kCountBytes) / element)
      throw CheckpointError(format("storage {} is cut short, or its size is not the one stated",
                                   printable(id->first)));
    const std::uint64_t size = id->second.elements * element;
    storages[id->first] = {id->second.element.dtype, bytes.substr(kCountBytes, size)};
    bytes.remove_prefix(kCountBytes + size);
  }
  if (!bytes.empty())
    throw CheckpointError(format("{} bytes after the last storage", bytes.size()));
  return storages;
}

TorchStorage part_of(const TorchStorage& whole, std::uint64_t element, const PickleNode& view) {
  const std::uint64_t available = whole.bytes.size() / element;
  if (view.items.size() != 3 || !view.items[1]->is(Kind::integer) ||
      !view.items[2]->is(Kind::integer))
    throw CheckpointError("a view of a storage is malformed");
  const auto offset = static_cast<std::uint64_t>(view.items[1]->integer);  // a negative one is huge
  const auto elements = static_cast<std::uint64_t>(view.items[2]->integer);
  if (offset > available || elements > available - offset)
    throw CheckpointError("a view of a storage exceeds it");
  return {whole.dtype, whole.bytes.substr(offset * element, elements * element)};
}

}  // namespace

bool is_torch_legacy(std::string_view bytes) {
  // PROTO n, LONG1 of ten bytes.
  return bytes.size() > 4 + kMagic.size() && bytes[0] == '\x80' &&
         bytes.substr(2, 2) == "\x8a\x0a" && bytes.substr(4, kMagic.size()) == kMagic;
}

TorchWeights read_torch_legacy(std::string_view bytes, const std::string& name) {
  (void)take_integer(bytes);
  if (take_integer(bytes) != kProtocol)
    throw CheckpointError("it has an unknown version of torch's format");
  take_machine(bytes);
  const Pickle object = torch_pickle(bytes, name);
  bytes.remove_prefix(object.size());
  const Pickle keys(bytes, {});
  bytes.remove_prefix(keys.size());
  if (!keys.root().is(Kind::list)) throw CheckpointError("its list of storages is not a list");
  const Storages storages = read_storages(bytes, keys, object);
  return torch_weights(object.root(), [&](const PickleNode& persistent) -> TorchStorage {
    const StorageId id = storage_id(persistent);
    const auto storage = storages.find(id.key);
    if (storage == storages.end())
      throw CheckpointError(format("its storage {} is missing", printable(id.key)));
    return id.view == nullptr ? storage->second
                              : part_of(storage->second, id.element.bytes, *id.view);
  });
}

}  // namespace onecycle
