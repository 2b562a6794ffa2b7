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

// Pictures and their targets as they are. What is made from the training part alone cannot be
// packed, as the format's read() then says.
RawSamples packable(const DatasetDescriptor& descriptor, const DatasetFormat& made,
                    const DataFiles& files) {
  std::optional<RawSamples> raw = made.read_raw(files);
  const auto classes = [&] {
    return descriptor.classes.empty() ? made.classes(files) : descriptor.classes;
  };
  if (raw && !raw->encode && raw->train.images.dim() == 4) {
    if (raw->names.empty()) raw->names = classes();
    return *std::move(raw);
  }
  RawSamples both;
  both.train = made.read(Split::train, files);
  if (made.has_test(files)) both.test = made.read(Split::test, files);
  both.names = classes();
  return both;
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
                      const LoadWatch& watch, std::optional<TargetKind> targets) {
  DataFiles files = data_files(options, descriptor);
  files.watch = watch;
  files.targets = targets;
  files.allocate = allocator(path);
  const auto [choice, form] = find_form(descriptor, files, formats);
  const std::string source = source_of(choice, *form, files);
  RawSamples both = packable(descriptor, *form, files);
  std::vector<std::pair<std::string, ImageSet*>> parts{{"train", &both.train}};
  if (both.test.images.defined()) parts.emplace_back("test", &both.test);

  PackSummary summary{path};
  std::vector<StoredTensor> tensors;
  for (const auto& [name, set] : parts) {
    set->images = set->images.contiguous();
    set->labels = set->labels.contiguous();
    tensors.push_back(stored(name + ".labels", set->labels));
    tensors.push_back(stored(name + ".images", set->images));
    (name == "train" ? summary.train : summary.test) = set->size();
    summary.bytes += static_cast<std::int64_t>(set->images.nbytes());
  }
  if (source != source_of(choice, *form, files))
    throw DataError(descriptor.name + ": its files changed while they were read; pack it again");
  const auto tell = [&](std::int64_t written) {
    if (watch.progress) watch.progress("writing " + path, written, summary.train + summary.test);
  };
  tell(0);
  write_safetensors(path, tensors,
                    {{"format", "onecycle"},
                     {"kind", "data"},
                     {"name", descriptor.name},
                     {"classes", json_text(Json(both.names))},
                     {"targets", name_of(both.kind)},
                     {"source", source}});
  tell(summary.train + summary.test);
  return summary;
}

}  // namespace onecycle
