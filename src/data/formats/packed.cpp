#include "data/formats/packed.h"

#include "core/process/this_process.h"
#include "core/sha256.h"
#include "core/text/format.h"
#include "core/text/json_text.h"
#include "core/text/printable.h"
#include "data/files.h"
#include "data/formats/entry.h"
#include "formats/safetensors/safetensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ATen/ops/all.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/le.h>

namespace onecycle {

namespace {

using File = std::shared_ptr<const SafetensorsFile>;

// Whole by its own header; its checksum is left to `onecycle data verify`, so that a run begins at
// once.
File open_packed(const std::string& path) {
  try {
    return std::make_shared<const SafetensorsFile>(path, SafetensorsFile::Check::layout);
  } catch (const CheckpointError& error) {
    throw DataError(error.what());
  }
}

std::string metadata_of(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? "" : found->second;
}

const StoredTensor* stored_tensor(const SafetensorsFile& file, const std::string& name) {
  for (const StoredTensor& tensor : file.tensors())
    if (tensor.name == name) return &tensor;
  return nullptr;
}

// Of files from before there were other targets, classes.
TargetKind targets_of(const SafetensorsFile& file, const std::string& path) {
  const std::string said = metadata_of(file, "targets");
  if (said.empty()) return TargetKind::classes;
  for (const TargetKind kind : {TargetKind::classes, TargetKind::values, TargetKind::labels})
    if (said == name_of(kind)) return kind;
  throw DataError(
      format("{}: its targets are '{}', which this version does not know; pack the data "
             "set again",
             path, printable(said)));
}

// Whether `labels` are what ImageSet has for targets of that kind; of values and labels `width`.
bool holds_targets(const StoredTensor& labels, TargetKind kind, std::int64_t width) {
  if (kind == TargetKind::classes) return labels.dtype == "I64" && labels.shape.size() == 1;
  return labels.dtype == (kind == TargetKind::values ? "F64" : "U8") && labels.shape.size() == 2 &&
         width > 0 && labels.shape[1] == width;
}

void check_targets(const at::Tensor& targets, TargetKind kind, const std::string& path) {
  const bool sound =
      kind == TargetKind::classes ||
      (kind == TargetKind::values ? targets.isfinite() : targets.le(1)).all().item<bool>();
  if (!sound)
    throw DataError(format("{}: holds a target that is {}; pack the data set again", path,
                           kind == TargetKind::values ? "no finite number" : "neither 0 nor 1"));
}

// Lives in the map.
at::Tensor mapped(const File& file, const StoredTensor& stored, at::ScalarType type) {
  return at::from_blob(
      const_cast<void*>(stored.data), stored.shape, [file](void*) {}, type);
}

// Bytes are always pixels; floats may be none. Reads them all.
void check_floats(const StoredTensor& images, const std::string& path) {
  if (reinterpret_cast<std::uintptr_t>(images.data) % sizeof(float) != 0)
    throw DataError(format("{}: the numbers of {} begin at an odd byte; pack the data set again",
                           path, images.name));
  const at::Tensor samples =
      at::from_blob(const_cast<void*>(images.data), images.shape, at::kFloat);
  for (std::int64_t i = 0; i < samples.size(0); ++i) {
    const auto [low, high] = at::aminmax(samples[i]);
    if (std::isfinite(low.item<float>()) && std::isfinite(high.item<float>())) continue;
    throw DataError(
        format("{}: sample {} (counted from 0) of {} holds {}; every pixel must be a finite "
               "number",
               path, i, images.name, std::isnan(low.item<float>()) ? "NaN" : "an infinite value"));
  }
}

// The map of a packed file.
class Packed : public DatasetFormat {
 public:
  explicit Packed(std::string path) : path_(std::move(path)) {}

  std::vector<std::string> files(Split) const override { return {path_}; }

  bool has_test(const DataFiles& where) const override {
    return stored_tensor(*open_packed(where.path(path_)), "test.images") != nullptr;
  }

  std::vector<std::string> classes(const DataFiles& where) const override {
    const std::string path = where.path(path_);
    try {
      const auto text = metadata_of(*open_packed(path), "classes");
      return parse_json(text).get<std::vector<std::string>>();
    } catch (const Json::exception&) {
      throw DataError(path + ": its metadata names no classes; pack the data set again");
    }
  }

  std::optional<RawSamples> read_raw(const DataFiles& where) const override {
    const std::string path = where.path(path_);
    const TargetKind kind = targets_of(*open_packed(path), path);
    if (kind == TargetKind::classes) return std::nullopt;
    RawSamples both{read(Split::train, where), {}, kind, classes(where), {}};
    if (has_test(where)) both.test = read(Split::test, where);
    return both;
  }

  ImageSet read(Split split, const DataFiles& where) const override {
    const std::string path = where.path(path_);
    const File file = open_packed(path);
    const TargetKind kind = targets_of(*file, path);
    const auto width =
        kind == TargetKind::classes ? 0 : static_cast<std::int64_t>(classes(where).size());
    const std::string part = split == Split::train ? "train" : "test";
    const StoredTensor* images = stored_tensor(*file, part + ".images");
    const StoredTensor* labels = stored_tensor(*file, part + ".labels");
    const auto is_length = [](std::int64_t length) { return length > 0; };
    const bool sound = images != nullptr && labels != nullptr && images->shape.size() == 4 &&
                       (images->dtype == "U8" || images->dtype == "F32") &&
                       holds_targets(*labels, kind, width) &&
                       labels->shape[0] == images->shape[0] &&
                       std::all_of(images->shape.begin(), images->shape.end(), is_length);
    if (!sound)
      throw DataError(
          format("{}: holds no {}.images [N,C,H,W] of U8 or F32 with their labels; "
                 "pack the data set again",
                 path, part));
    if (images->dtype == "F32") check_floats(*images, path);
    const auto type = kind == TargetKind::classes  ? at::kLong
                      : kind == TargetKind::values ? at::kDouble
                                                   : at::kByte;
    at::Tensor copied = at::empty(labels->shape, type);  // labels may lie at any byte
    std::memcpy(copied.mutable_data_ptr(), labels->data, labels->bytes);
    check_targets(copied, kind, path);
    return {mapped(file, *images, images->dtype == "U8" ? at::kByte : at::kFloat), copied};
  }

 private:
  std::string path_;
};

struct PackedOptions {
  std::string file;
};

}  // namespace

FormatRegistry::Entry packed_format() {
  OptionTable<PackedOptions> table("packed", "a file of `onecycle data pack`, mapped into memory");
  table.add("file", &PackedOptions::file, "its name in data.dir, or its path").required();
  return FormatRegistry::entry(
      table, [](const PackedOptions& options) { return std::make_unique<Packed>(options.file); });
}

std::string packed_name(const DatasetDescriptor& descriptor) { return descriptor.name + ".packed"; }

std::string source_of(const Choice& choice, const DatasetFormat& made, const DataFiles& files) {
  Sha256 digest;
  digest.add(choice.name).add("\n").add(choice.text()).add("\n");
  return digest.add(made.state(files)).hex();
}

std::optional<std::string> data_place(const DataOptions& options,
                                      const DatasetDescriptor& descriptor,
                                      const FormatRegistry& formats) {
  const DataFiles files = data_files(options, descriptor);
  const auto form = find_form(descriptor, files, formats).made;
  if (!form->present(files)) return std::nullopt;
  for (const std::string& folder : files.folders) {
    DataFiles alone = files;
    alone.folders = {folder};
    if (form->present(alone)) return folder;
  }
  return files.places();
}

std::unique_ptr<DatasetFormat> packed_form(const DatasetDescriptor& descriptor,
                                           const Choice& choice, const DatasetFormat& made,
                                           const DataFiles& files) {
  if (choice.name == "packed") return nullptr;
  const auto path = files.find(packed_name(descriptor));
  if (!path || !made.present(files)) return nullptr;
  const File file = open_packed(*path);
  if (metadata_of(*file, "source") == source_of(choice, made, files)) {
    const TargetKind kind = targets_of(*file, *path);
    if (!files.targets || *files.targets == kind) return std::make_unique<Packed>(*path);
    if (files.watch.warn)
      files.watch.warn(
          format("{} is not used: its targets are {}, and the task is for {}; `onecycle "
                 "data pack` with this recipe makes it again",
                 *path, name_of(kind), name_of(*files.targets)));
    return nullptr;
  }
  if (files.watch.warn)
    files.watch.warn(
        format("{} is not used: its source has changed since; `{} data pack` makes it again", *path,
               program_name()));
  return nullptr;
}

}  // namespace onecycle
