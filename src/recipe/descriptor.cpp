#include "core/text/format.h"
#include "recipe/data_option_types.h"
#include "recipe/descriptor_files.h"
#include "yaml/yaml.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace onecycle {

namespace fs = std::filesystem;

std::optional<Checksums> OptionType<Checksums>::read(const Value& value, std::string& why) {
  why = "a map of file names to SHA-256 digests, 64 lower-case hexadecimal digits each";
  if (value.is_null()) return Checksums{};
  if (!value.is_map()) return std::nullopt;
  Checksums result;
  for (const auto& member : value.members) {
    const std::string& digest = member.value.text;
    if (!member.value.is_scalar() || digest.size() != 64 ||
        digest.find_first_not_of("0123456789abcdef") != std::string::npos)
      return std::nullopt;
    result.of.emplace_back(member.key, digest);
  }
  return result;
}

void OptionType<Checksums>::write(const Checksums& value, Value& to) {
  to = Value::map();
  for (const auto& [name, digest] : value.of)
    to.members.push_back({name, {}, Value::scalar(digest, true)});
}

namespace {

OptionTable<OtherForm> other_form_options(const Variants& formats) {
  OptionTable<OtherForm> table("form",
                               "another form of the same data, used if `format` is not there");
  table.add_choice("format", &OtherForm::format, formats, "the format, with its files");
  return table;
}

bool is_hex(const std::string& text) {
  return text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_path(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".yaml") || name.ends_with(".yml");
}

}  // namespace

OptionTable<Download> download_options() {
  using D = Download;
  OptionTable<D> table("download", "a file that `onecycle data fetch` or `weights fetch` gets");
  table.add("file", &D::file, "its name in the folder")
      .required()
      .add("urls", &D::urls, "its addresses, tried in this order")
      .required()
      .add("md5", &D::md5, "of the file as downloaded, 32 lower-case hexadecimal digits")
      .add("sha256", &D::sha256,
           "the same, 64 digits or the first of them, at least 8; one of the two is "
           "required")
      .add("bytes", &D::bytes, "its size: no more is taken; null: not known, at most 8 GB")
      .range(between(1, 1e15))
      .rule([](const D& d) -> std::optional<OptionTable<D>::Violation> {
        using V = OptionTable<D>::Violation;
        if (!d.md5.empty() && (d.md5.size() != 32 || !is_hex(d.md5)))
          return V{"md5", "expected 32 lower-case hexadecimal digits"};
        if (!d.sha256.empty() && (d.sha256.size() < 8 || d.sha256.size() > 64 || !is_hex(d.sha256)))
          return V{"sha256", "expected 64 lower-case hexadecimal digits, or the first 8 or more"};
        if (d.md5.empty() && d.sha256.empty()) return V{"md5", "a checksum is required"};
        if (d.file.empty() || d.file.starts_with(".") || d.file.find('/') != std::string::npos)
          return V{"file", "expected the name of a file, without a folder"};
        return std::nullopt;
      });
  return table;
}

std::string descriptor_path(const std::string& field, const std::string& what,
                            const std::string& name, const std::vector<std::string>& folders) {
  if (is_path(name)) return name;
  for (const std::string& folder : folders) {
    const fs::path path = fs::path(folder) / (name + ".yaml");
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) return path.string();
  }
  const std::vector<std::string> known = list_descriptors(folders);
  const std::string nearest = nearest_name(name, known);
  throw FieldError(
      field, format("no {} '{}'; {}known: {}", what, name,
                    nearest.empty() ? "" : format("did you mean '{}'? ", nearest), joined(known)));
}

OptionTable<DatasetDescriptor> descriptor_options(const Variants& formats) {
  using D = DatasetDescriptor;
  OptionTable<D> table("data set", "A file in datasets/: one data set.");
  table.add("name", &D::name, "as `data.name` in recipes")
      .required()
      .add("title", &D::title, "what it is and who made it, one line")
      .add_choice("format", &D::format, formats, "the format, with its files")
      .add_list("others", &D::others, other_form_options(formats))
      .add("folders", &D::folders, "searched in this order; ~ and ${NAME} are expanded")
      .add("classes", &D::classes, "names, in the order of the labels; empty = numbered")
      .add("mean", &D::mean, "per channel of the training split, pixels 0..1; empty = measured")
      .range(between(-kLargestDeviation, kLargestDeviation))
      .add("std", &D::std, "per channel, with mean")
      .range(between(kLeastDeviation, kLargestDeviation))
      .add("sha256", &D::sha256, "checksums of the files, for `onecycle data verify`")
      .add("get", &D::get, "how to get the files, one line")
      .add_list("downloads", &D::downloads, download_options())
      .add("train_samples", &D::train_samples, "size of the training split, for plans without data")
      .range(between(1, 1e12))
      .rule([](const D& d) -> std::optional<OptionTable<D>::Violation> {
        if (d.mean.size() == d.std.size()) return std::nullopt;
        return OptionTable<D>::Violation{"std", "mean and std go together, one value a channel"};
      });
  return table;
}

std::vector<std::string> list_descriptors(const std::vector<std::string>& folders) {
  std::set<std::string> names;
  for (const std::string& folder : folders) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored))
      if (entry.path().extension() == ".yaml") names.insert(entry.path().stem().string());
  }
  return {names.begin(), names.end()};
}

DatasetDescriptor find_descriptor(const DataOptions& options,
                                  const std::vector<std::string>& folders,
                                  const FormatRegistry& formats) {
  if (!options.name) {
    DatasetDescriptor inline_set;
    inline_set.name = options.format.name;
    inline_set.format = options.format;
    inline_set.folders = {"."};
    inline_set.get = "data.format names the files, data.dir their folder";
    return inline_set;
  }
  Problems problems;
  const Value value =
      read_yaml_file(descriptor_path("data.name", "data set", *options.name, folders));
  DatasetDescriptor result = descriptor_options(formats.variants()).read(value, "", problems);
  problems.throw_if_any();
  return result;
}

}  // namespace onecycle
