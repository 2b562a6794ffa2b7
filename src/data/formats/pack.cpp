#include "onecycle/pack.h"

#include "core/memory/host_memory.h"
#include "core/process/file_descriptor.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/json_text.h"
#include "data/files.h"
#include "data/formats/packed.h"
#include "data/tensor_bytes.h"
#include "formats/safetensors/safetensors.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

// Memory behind which there is a file without a name, in the folder of `path`: what exceeds memory
// goes to that disk. Reserved, so that a full disk is an error now and not a signal later.
at::Tensor on_disk(const std::vector<std::int64_t>& sizes, const std::string& path) {
  std::int64_t bytes = 1;
  for (const std::int64_t size : sizes) bytes *= size;
  std::string name = path + ".XXXXXX";
  const FileDescriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) throw DataError(format("{}: cannot be written: {}", path, std::strerror(errno)));
  ::unlink(name.c_str());
  const int reserved = ::posix_fallocate(file.get(), 0, bytes);
  const auto length = static_cast<std::size_t>(bytes);
  void* begin = reserved != 0
                    ? MAP_FAILED
                    : ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (begin == MAP_FAILED)
    throw DataError(format("{}: no room for {} bytes beside it: {}", path, bytes,
                           std::strerror(reserved != 0 ? reserved : errno)));
  return at::from_blob(
      begin, sizes, [length](void* data) { ::munmap(data, length); }, at::kByte);
}

AllocateImages allocator(const std::string& path) {
  return [path](const std::vector<std::int64_t>& sizes) {
    std::int64_t bytes = 1;
    for (const std::int64_t size : sizes) bytes *= size;
    if (bytes < available_host_memory() / 2) return at::empty(sizes, at::kByte);
    return on_disk(sizes, path);
  };
}

}  // namespace

std::string packed_path(const DataOptions& options, const DatasetDescriptor& descriptor) {
  const DataFiles files = data_files(options, descriptor);
  if (const auto folder = files.find_folder("."))
    return (fs::path(*folder) / packed_name(descriptor)).string();
  throw DataError(format("none of the folders of {} exists: {}", descriptor.name, files.places()));
}

PackSummary pack_data(const DataOptions& options, const DatasetDescriptor& descriptor,
                      const std::string& path, const FormatRegistry& formats,
                      const LoadWatch& watch) {
  DataFiles files = data_files(options, descriptor);
  files.watch = watch;
  files.allocate = allocator(path);
  const auto [choice, form] = find_form(descriptor, files, formats);
  const std::string source = source_of(choice, *form, files);
  std::vector<std::pair<std::string, ImageSet>> parts{{"train", form->read(Split::train, files)}};
  if (form->has_test(files)) parts.emplace_back("test", form->read(Split::test, files));

  PackSummary summary{path};
  std::vector<StoredTensor> tensors;
  for (auto& [name, set] : parts) {
    set.images = set.images.contiguous();
    set.labels = set.labels.contiguous();
    tensors.push_back(stored(name + ".labels", set.labels));
    tensors.push_back(stored(name + ".images", set.images));
    (name == "train" ? summary.train : summary.test) = set.size();
    summary.bytes += static_cast<std::int64_t>(set.images.nbytes());
  }
  auto classes = descriptor.classes;
  if (classes.empty()) classes = form->classes(files);
  if (source != source_of(choice, *form, files))
    throw DataError(descriptor.name + ": its files changed while they were read; pack it again");
  write_safetensors(path, tensors,
                    {{"format", "onecycle"},
                     {"kind", "data"},
                     {"name", descriptor.name},
                     {"classes", json_text(Json(classes))},
                     {"source", source}});
  return summary;
}

}  // namespace onecycle
