#include "core/text/format.h"
#include "core/text/number.h"
#include "data/files.h"
#include "data/formats/entry.h"
#include "data/formats/listed_pictures.h"
#include "data/formats/picture_options.h"
#include "data/source_state.h"
#include "data/tables/label_cells.h"
#include "data/tables/table_targets.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

struct ImageListOptions : PictureOptions {
  std::string train;
  std::optional<std::string> test;
  std::string folder = ".";
  std::optional<std::string> test_folder;
  std::optional<std::string> file;
  std::string extension;
  std::vector<std::string> target;
  std::optional<std::string> label_separator;
  std::string separator = ",";
};

std::optional<OptionTable<ImageListOptions>::Violation> wrong_columns(
    const ImageListOptions& options) {
  using Violation = OptionTable<ImageListOptions>::Violation;
  if (const char* why = why_no_separator(options.separator)) return Violation{"separator", why};
  if (options.test_folder && !options.test)
    return Violation{"test_folder", "needs the file of the test split, `test`"};
  if (options.label_separator && options.label_separator->empty())
    return Violation{"label_separator", "must be at least one character"};
  if (options.label_separator && options.target.size() > 1)
    return Violation{"label_separator", "is for the cells of one column, and target has several"};
  for (const std::string& name : options.target) {
    if (std::count(options.target.begin(), options.target.end(), name) > 1)
      return Violation{"target", format("'{}' is given twice", name)};
    if (name == options.file)
      return Violation{"target", format("'{}' is the column of the files", name)};
  }
  return std::nullopt;
}

OptionTable<ImageListOptions> image_list_options() {
  using O = ImageListOptions;
  OptionTable<O> table(
      "image_list",
      "pictures (JPEG, PNG, WebP, BMP, GIF) that CSV files list with their targets, one a row");
  table.add("train", &O::train, "file of the training split, .csv or .csv.gz, in data.dir")
      .required()
      .add("test", &O::test, "the same of the test split; null = no test split")
      .add("folder", &O::folder, "folder of the pictures, in data.dir")
      .add("test_folder", &O::test_folder, "the same of the test split; null = folder")
      .add("file", &O::file, "column of the pictures' names within folder; null = the first")
      .add("extension", &O::extension, "what follows the names in the column, as .jpg")
      .add("target", &O::target,
           "columns of the targets: one of classes or of names of labels, or any number of values "
           "or of labels (0 or 1), as the task has it; empty = all but file")
      .add("label_separator", &O::label_separator,
           "what stands between the labels in a cell, as \" \"; null = a cell has one class, value "
           "or label")
      .add("separator", &O::separator, "one character between cells, as \";\" or \"\\t\"")
      .rule(wrong_columns);
  add_picture_options(table);
  return table;
}

// The rows of one split, not read yet.
struct PictureList {
  CsvTable table;
  std::size_t file = 0;  // column
  std::vector<LabelledFile> pictures;
};

class ImageList : public SplitFiles {
 public:
  explicit ImageList(ImageListOptions options)
      : SplitFiles(options.train, options.test), options_(std::move(options)) {}

  std::optional<RawSamples> read_raw(const DataFiles& files) const override {
    const PictureList train = list(Split::train, files);
    const std::vector<std::string> columns = targets(train);
    const TableTargets found = found_in(train.table, columns, files.targets);
    const at::Tensor told = targets_of(train, columns, found);
    RawSamples raw{{}, {}, found.kind, found.names, {}};
    if (options_.test) {
      const PictureList test = list(Split::test, files);
      require_other_file(train.table.path(), test.table.path());
      const at::Tensor test_told = targets_of(test, columns, found);
      raw.test = samples(test, test_told, files);
    }
    raw.train = samples(train, told, files);
    return raw;
  }

  std::optional<std::int64_t> picture_side() const override { return options_.side(); }

  std::string state(const DataFiles& files) const override {
    std::vector<std::string> paths;
    for (const Split split : {Split::train, Split::test}) {
      if (split == Split::test && !options_.test) continue;
      const PictureList listed = list(split, files);
      paths.push_back(listed.table.path());
      for (const LabelledFile& picture : listed.pictures) paths.push_back(picture.path);
    }
    return state_of(paths);
  }

 private:
  PictureList list(Split split, const DataFiles& files) const {
    const bool is_test = split == Split::test;
    const std::string folder =
        is_test ? options_.test_folder.value_or(options_.folder) : options_.folder;
    CsvTable table(files.path(is_test ? *options_.test : options_.train, file_names()),
                   options_.separator.front());
    const std::size_t file = options_.file ? table.column(*options_.file) : 0;
    const auto found = files.find_folder(folder);
    if (!found)
      throw DataError(
          format("no folder {} in {}; {} names that of the pictures", folder, files.places(),
                 is_test && options_.test_folder ? "format.test_folder" : "format.folder"));
    auto pictures = listed_pictures(table, file, *found, options_.extension);
    if (options_.bad == BadPicture::stop) require_listed(pictures, table, file);
    return {std::move(table), file, std::move(pictures)};
  }

  std::vector<std::string> targets(const PictureList& list) const {
    const std::string& file = list.table.names()[list.file];
    std::vector<std::string> columns = options_.target;
    if (columns.empty())
      for (const std::string& name : list.table.names())
        if (name != file) columns.push_back(name);
    if (columns.empty())
      throw DataError(
          format("{}: has no column beside '{}', which names the files; check "
                 "format.separator",
                 list.table.path(), file));
    if (std::count(columns.begin(), columns.end(), file) > 0)
      throw DataError(
          format("{}: column '{}' names the files and cannot be a target; set "
                 "format.file",
                 list.table.path(), file));
    return columns;
  }

  TableTargets found_in(const CsvTable& table, const std::vector<std::string>& columns,
                        std::optional<TargetKind> wanted) const {
    if (!options_.label_separator) {
      if (wanted == TargetKind::labels && columns.size() == 1)
        refuse_names(table, table.column(columns.front()));
      return found_targets(table, columns, wanted, kMissing);
    }
    if (columns.size() > 1)
      throw DataError(
          format("{}: format.label_separator is for the cells of one column, and there "
                 "are {}; name it in format.target",
                 table.path(), columns.size()));
    return found_labels(table, table.column(columns.front()), *options_.label_separator);
  }

  static void refuse_names(const CsvTable& table, std::size_t column) {
    for (std::int64_t row = 0; row < table.rows(); ++row)
      if (!table.cell(row, column).empty() && !parse_number(table.cell(row, column)))
        throw DataError(
            format("{}: names labels; say what separates them in "
                   "format.label_separator",
                   table.place(row, column)));
  }

  at::Tensor targets_of(const PictureList& list, const std::vector<std::string>& columns,
                        const TableTargets& found) const {
    if (!options_.label_separator) return targets_in(list.table, columns, found, kMissing);
    return labels_in(list.table, list.table.column(columns.front()), *options_.label_separator,
                     found);
  }

  ImageSet samples(const PictureList& list, const at::Tensor& told, const DataFiles& files) const {
    const auto place = [&](std::int64_t row) { return list.table.place(row, list.file); };
    ImageSet set = read_pictures(list.pictures, options_.fit(), options_.bad, files, place);
    set.labels = told.index_select(0, set.labels);
    return set;
  }

  static inline const std::vector<std::string> kMissing = {""};

  ImageListOptions options_;
};

}  // namespace

FormatRegistry::Entry image_list_format() { return format_entry<ImageList>(image_list_options()); }

}  // namespace onecycle
