#pragma once

#include "onecycle/datasets.h"
#include "onecycle/error.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace onecycle {

// A format whose splits are each a file that its options name.
class SplitFiles : public DatasetFormat {
 public:
  SplitFiles(std::string train, std::optional<std::string> test)
      : train_(std::move(train)), test_(std::move(test)) {}

  std::vector<std::string> files(Split split) const override {
    if (split == Split::train) return {train_};
    return test_ ? std::vector<std::string>{*test_} : std::vector<std::string>{};
  }
  FileNames file_names() const override { return FileNames::exact; }
  bool has_test(const DataFiles&) const override { return test_.has_value(); }

 private:
  std::string train_;
  std::optional<std::string> test_;
};

// The entry of a format whose constructor takes the struct that `table` fills.
template <class Format, class Options>
FormatRegistry::Entry format_entry(const OptionTable<Options>& table) {
  return FormatRegistry::entry(
      table, [](const Options& options) { return std::make_unique<Format>(options); });
}

}  // namespace onecycle
