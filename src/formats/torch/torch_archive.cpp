#include "formats/torch/torch_archive.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "formats/torch/torch_advice.h"
#include "formats/zip/zip_reader.h"

#include <map>

namespace onecycle {

namespace {

constexpr std::string_view kPickle = "data.pkl";

// torch.jit.save and LibTorch's torch::save write programs, some of whose parts are compressed.
void refuse_script(const ZipEntries& entries, const std::string& file) {
  for (const auto& [name, entry] : entries)
    if (name.ends_with("/constants.pkl") || name.find("/code/__torch__") != std::string::npos)
      throw CheckpointError(
          "a TorchScript program, not weights; save its weights alone, " +
          saved_in_python(format("torch.jit.load({}).state_dict()", python_text(file))));
}

// Every name of the archive begins with that of one folder.
std::string folder_of(const ZipEntries& entries) {
  std::string folder;
  for (const auto& [name, entry] : entries) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos || name.substr(slash + 1) != kPickle) continue;
    if (!folder.empty())
      throw CheckpointError("not an archive of torch.save: it holds data.pkl twice");
    folder = name.substr(0, slash + 1);
  }
  if (folder.empty()) throw CheckpointError("not an archive of torch.save: it holds no data.pkl");
  return folder;
}

}  // namespace

TorchWeights read_torch_archive(std::string_view bytes, const std::string& name) {
  refuse_script(read_zip(bytes, ZipPacking::any), name);
  const ZipEntries entries = read_zip(bytes);
  const std::string folder = folder_of(entries);
  const auto order = entries.find(folder + "byteorder");
  if (order != entries.end() && order->second.bytes != "little")
    throw CheckpointError("its numbers are not little-endian");
  const std::string pickle_name = folder + std::string(kPickle);
  const ZipEntry& pickled = entries.at(pickle_name);
  check_crc(pickle_name, pickled);
  const Pickle pickle = torch_pickle(pickled.bytes, name);

  std::map<std::string, bool> checked;
  return torch_weights(pickle.root(), [&](const PickleNode& persistent) -> TorchStorage {
    const StorageId id = storage_id(persistent);
    const std::string place = format("{}data/{}", folder, id.key);
    const auto entry = entries.find(place);
    if (entry == entries.end())
      throw CheckpointError(format("its storage {} is missing", printable(id.key)));
    const std::string_view stored = entry->second.bytes;
    const auto& [dtype, element] = id.element;
    if (stored.size() % element != 0 || stored.size() / element != id.elements)
      throw CheckpointError(
          format("its storage of {} {} numbers has {} bytes", id.elements, dtype, stored.size()));
    if (checked.emplace(place, true).second) check_crc(place, entry->second);
    return {dtype, stored};
  });
}

}  // namespace onecycle
