#include "onecycle/descriptors.h"
#include "onecycle/error.h"

#include "core/files/paths.h"
#include "core/text/format.h"
#include "recipe/descriptor_files.h"
#include "yaml/yaml.h"

#include <filesystem>

namespace onecycle {

OptionTable<WeightsDescriptor> weights_descriptor_options() {
  using D = WeightsDescriptor;
  using Violation = OptionTable<D>::Violation;
  OptionTable<D> table("weights", "A file in weights/: weights that somebody published.");
  table.add("name", &D::name, "as `weights.name` in recipes")
      .required()
      .add("title", &D::title, "what they are and whose, one line")
      .add("folders", &D::folders, "searched in this order; ~ and ${NAME} are expanded")
      .required()
      .add("mean", &D::mean, "per channel, pixels 0..1, as they were trained with")
      .range(between(-kLargestDeviation, kLargestDeviation))
      .add("std", &D::std, "per channel, with mean")
      .range(between(kLeastDeviation, kLargestDeviation))
      .add_section("download", &D::download, download_options())
      .rule([](const D& d) -> std::optional<Violation> {
        if (d.mean.size() != d.std.size())
          return Violation{"std", "mean and std go together, one value a channel"};
        if (d.download.file.empty()) return Violation{"download", "is required: the file"};
        return std::nullopt;
      });
  return table;
}

WeightsDescriptor find_weights_descriptor(const std::string& name,
                                          const std::vector<std::string>& folders) {
  Problems problems;
  const Value value =
      read_yaml_file(descriptor_path("weights.name", "published weights", name, folders));
  WeightsDescriptor result = weights_descriptor_options().read(value, "", problems);
  problems.throw_if_any();
  return result;
}

std::optional<std::string> weights_place(const WeightsDescriptor& descriptor) {
  for (const std::string& folder : descriptor.folders) {
    const auto expanded = expand_path(folder);
    if (!expanded) continue;
    const auto path = std::filesystem::path(*expanded) / descriptor.download.file;
    std::error_code ignored;
    if (std::filesystem::is_regular_file(path, ignored)) return path.string();
  }
  return std::nullopt;
}

}  // namespace onecycle
