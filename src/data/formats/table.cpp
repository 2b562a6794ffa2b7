#include "core/text/format.h"
#include "data/files.h"
#include "data/formats/entry.h"
#include "data/tables/encoding.h"
#include "data/tables/table_targets.h"

#include <algorithm>
#include <memory>

namespace onecycle {

namespace {

std::optional<OptionTable<Table>::Violation> wrong_in_table(const Table& options) {
  using O = Table;
  if (const char* why = why_no_separator(options.separator))
    return OptionTable<O>::Violation{"separator", why};
  if (options.target.empty()) return OptionTable<O>::Violation{"target", "names no column"};
  for (const std::string& name : options.target)
    if (std::count(options.target.begin(), options.target.end(), name) > 1)
      return OptionTable<O>::Violation{"target", format("'{}' is given twice", name)};
  for (const std::string& name : options.inputs) {
    if (std::count(options.inputs.begin(), options.inputs.end(), name) > 1)
      return OptionTable<O>::Violation{"inputs", format("'{}' is given twice", name)};
    if (std::count(options.target.begin(), options.target.end(), name) > 0)
      return OptionTable<O>::Violation{"inputs",
                                       format("'{}' is a target: a network that is told it "
                                              "learns nothing",
                                              name)};
  }
  return std::nullopt;
}

OptionTable<Table> table_options() {
  using O = Table;
  OptionTable<O> table("table", "CSV files with a header, a sample a row");
  table.add("train", &O::train, "file of the training split, .csv or .csv.gz, in data.dir")
      .required()
      .add("test", &O::test, "the same of the test split; null = no test split")
      .add("target", &O::target,
           "columns of the targets: one of classes, or any number of values or of labels (0 or 1), "
           "as the task has it")
      .required()
      .add("inputs", &O::inputs, "columns of the inputs; empty = all others")
      .add("categories", &O::categories,
           "columns whose numbers are names of categories; columns whose cells are mostly no "
           "numbers are categories anyway")
      .add(
          "encode", &O::encode,
          {{"auto", CategoryEncoding::automatic},
           {"one_hot", CategoryEncoding::one_hot},
           {"embedding", CategoryEncoding::embedding}},
          "categories become: one_hot: a number each, 1 or 0; embedding: a vector that the network "
          "learns; auto: one_hot up to 10 categories, else embedding. One that the training part "
          "lacks is all 0, or a vector of its own")
      .add("missing", &O::missing, "cells that say that there is no value")
      .add("fill", &O::fill,
           {{"error", FillRule::error}, {"mean", FillRule::mean}, {"median", FillRule::median}},
           "what stands for a missing number: nothing, it is an error; the mean or median of the "
           "training part. A missing category is one that the training part lacks")
      .add("clip", &O::clip,
           "numbers further from the mean of the training part than this many standard deviations "
           "count as that far; null = as they are")
      .range(above(0))
      .add("separator", &O::separator, "one character between cells, as \";\" or \"\\t\"")
      .rule(wrong_in_table);
  return table;
}

class TableFormat : public SplitFiles {
 public:
  explicit TableFormat(Table options)
      : SplitFiles(options.train, options.test), options_(std::move(options)) {}

  std::optional<RawSamples> read_raw(const DataFiles& files) const override {
    const char separator = options_.separator.front();
    const CsvTable table(files.path(options_.train, file_names()), separator);
    const TableRules rules{options_.categories, options_.encode, options_.missing, options_.fill};
    TableEncoding found = found_columns(table, inputs(table), rules);
    found.separator = options_.separator;
    found.clip = options_.clip;
    const TableTargets targets =
        found_targets(table, options_.target, files.targets, options_.missing);
    RawSamples raw{samples(table, found, targets), {}, targets.kind, targets.names, {}};
    std::vector<std::string> paths = {table.path()};
    if (options_.test) {
      paths.push_back(files.path(*options_.test, file_names()));
      require_other_file(table.path(), paths.back());
      raw.test = samples(CsvTable(paths.back(), separator), found, targets);
    }
    raw.encode = [found, rules, paths](DataSet& data) {
      // The parts are in another order than the files, which are read again for a message.
      const auto place = [&](const std::string& column, double number) {
        std::string of;
        for (const std::string& path : paths)
          if (of.empty()) of = place_of(CsvTable(path, found.separator.front()), column, number);
        return of;
      };
      data.table = std::make_shared<const TableEncoding>(measured(data, found, rules, paths[0]));
      for (ImageSet* part : {&data.train, &data.validation, &data.test})
        part->images = encoded(part->images, *data.table, place);
    };
    return raw;
  }

 private:
  // The columns of the inputs, in the order of the table.
  std::vector<std::string> inputs(const CsvTable& table) const {
    const auto has = [](const std::vector<std::string>& names, const std::string& name) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    for (const auto* given : {&options_.target, &options_.inputs, &options_.categories})
      for (const std::string& name : *given) table.column(name);
    std::vector<std::string> chosen;
    for (const std::string& name : table.names())
      if (options_.inputs.empty() ? !has(options_.target, name) : has(options_.inputs, name))
        chosen.push_back(name);
    if (chosen.empty())
      throw DataError(format("{}: has no column beside the targets; check `target` and `separator`",
                             table.path()));
    for (const std::string& name : options_.categories)
      if (!has(chosen, name))
        throw DataError(
            format("{}: column '{}' is in `categories`, but is no input", table.path(), name));
    return chosen;
  }

  ImageSet samples(const CsvTable& table, const TableEncoding& found,
                   const TableTargets& targets) const {
    return {raw_rows(table, found), targets_in(table, options_.target, targets, options_.missing)};
  }

  Table options_;
};

}  // namespace

FormatRegistry::Entry table_format() { return format_entry<TableFormat>(table_options()); }

DataSet load_table(const Table& table, TargetKind targets, std::optional<std::int64_t> validation) {
  if (const auto wrong = wrong_in_table(table))
    throw FieldError("table." + wrong->option, wrong->message);
  DataOptions options;
  options.validation = validation;
  DatasetDescriptor descriptor;
  descriptor.name = "table";
  descriptor.format = options.format = Choice("table", table, nullptr);
  descriptor.folders = {"."};
  return load_data(options, descriptor, builtin_formats(), {}, targets);
}

}  // namespace onecycle
