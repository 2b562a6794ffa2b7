#include "data/tables/encoding.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/number.h"
#include "core/text/printable.h"
#include "data/moments.h"
#include "data/needed_memory.h"
#include "data/tensors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

bool is_one_of(std::string_view text, const std::vector<std::string>& texts) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

std::int64_t count_of(const TableColumn& column) {
  return static_cast<std::int64_t>(column.categories.size());
}

double number_in_cell(const CsvTable& table, std::int64_t row, std::size_t at) {
  const std::string_view cell = table.cell(row, at);
  if (const auto number = parse_number(cell)) return *number;
  throw DataError(
      format("{}: {}; mend the cell, say with `missing` and `fill` what stands for it, "
             "or name the column in `categories`",
             table.place(row, at),
             cell.empty() ? "there is no value" : format("'{}' is not a number", printable(cell))));
}

double category_in_cell(std::string_view cell, const TableColumn& column) {
  if (is_one_of(cell, column.missing)) return kNoValue;
  const auto& known = column.categories;
  const auto found = std::lower_bound(known.begin(), known.end(), cell);
  if (found == known.end() || *found != cell) return kNoValue;
  return static_cast<double>(found - known.begin());
}

// Whether most of the cells that have a value are no numbers.
bool is_text(const CsvTable& table, std::size_t at, const std::vector<std::string>& missing) {
  std::int64_t present = 0;
  std::int64_t numbers = 0;
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    if (is_one_of(table.cell(row, at), missing)) continue;
    ++present;
    numbers += parse_number(table.cell(row, at)) ? 1 : 0;
  }
  if (present == 0)
    throw DataError(format("{}: column '{}' has no value in any row; leave it out of `inputs`",
                           table.path(), table.names()[at]));
  return 2 * numbers < present;
}

double median_of(const at::Tensor& values) {
  const at::Tensor sorted = std::get<0>(values.sort());
  const std::int64_t count = sorted.numel();
  const at::Tensor middle = sorted.narrow(0, (count - 1) / 2, 2 - count % 2);
  return middle.mean().item<double>();
}

void measure_number(const at::Tensor& values, FillRule fill, const std::string& what,
                    TableColumn& column) {
  const at::Tensor missing = values.isnan();
  const at::Tensor present = values.masked_select(missing.logical_not());
  if (present.numel() == 0)
    throw DataError(
        format("{}: has no value in the training part; leave it out of `inputs`", what));
  if (fill == FillRule::mean) column.fill = moments_of(present, what).mean;
  if (fill == FillRule::median) column.fill = median_of(present);
  const Moments moments = moments_of(values.masked_fill(missing, column.fill), what);
  column.mean = moments.mean;
  column.std = moments.std;
}

// Those of the training part become 0, 1, ... in their order, in all parts; the others no value.
void measure_categories(std::array<ImageSet*, 3> parts, std::int64_t at, CategoryEncoding encode,
                        const std::string& what, TableColumn& column) {
  const at::Tensor codes = parts[0]->images.select(1, at);
  std::vector<bool> seen(column.categories.size(), false);
  for (std::int64_t row = 0; row < codes.size(0); ++row) {
    const double code = codes.const_data_ptr<double>()[row * codes.stride(0)];
    if (!std::isnan(code)) seen[static_cast<std::size_t>(code)] = true;
  }
  std::vector<std::string> kept;
  std::vector<double> renamed(seen.size() + 1, kNoValue);  // the last: of what has no value
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i]) continue;
    renamed[i] = static_cast<double>(kept.size());
    kept.push_back(column.categories[i]);
  }
  if (kept.empty())
    throw DataError(
        format("{}: has no value in the training part; leave it out of `inputs`", what));
  const at::Tensor map = tensor_of(renamed, {static_cast<std::int64_t>(renamed.size())});
  for (ImageSet* part : parts) {
    at::Tensor old = part->images.select(1, at);
    old.copy_(map.index_select(0, old.nan_to_num(static_cast<double>(seen.size())).to(at::kLong)));
  }
  column.categories = std::move(kept);
  const bool embedded =
      encode == CategoryEncoding::embedding ||
      (encode == CategoryEncoding::automatic && column.categories.size() > kMostOneHot);
  column.kind = embedded ? TableColumn::Kind::embedding : TableColumn::Kind::one_hot;
}

// The categories of a column.
std::vector<std::string> categories_in(const CsvTable& table, std::size_t at,
                                       const std::vector<std::string>& missing) {
  std::set<std::string_view> seen;
  std::size_t bytes = 0;
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    const std::string_view cell = table.cell(row, at);
    if (is_one_of(cell, missing) || !seen.insert(cell).second) continue;
    bytes += cell.size();
    if (seen.size() > kMostCategories || bytes > kMostCategoryBytes)
      throw DataError(
          format("{}: column '{}' is of categories, and has more than {}; leave it out of `inputs`",
                 table.path(), table.names()[at],
                 seen.size() > kMostCategories ? format("{}", kMostCategories)
                                               : format("{} bytes of them", kMostCategoryBytes)));
  }
  return {seen.begin(), seen.end()};
}

void check_standardised(const at::Tensor& standardised, const at::Tensor& values,
                        const std::string& column, const NumberPlace& place) {
  const at::Tensor sound = standardised.isfinite();
  if (sound.all().item<bool>()) return;
  const auto row = sound.logical_not().nonzero()[0].item<std::int64_t>();
  const double number = values[row].item<double>();
  throw DataError(
      format("{}: {} is so far from the numbers trained on that it is beyond float32 when "
             "standardised; mend the cell, or leave the row out",
             place(column, number), number));
}

}  // namespace

std::int64_t TableEncoding::features() const {
  std::int64_t count = 0;
  for (const TableColumn& column : columns) {
    if (column.kind == TableColumn::Kind::number) ++count;
    if (column.kind == TableColumn::Kind::one_hot) count += count_of(column);
  }
  return count;
}

std::vector<std::int64_t> TableEncoding::categories() const {
  std::vector<std::int64_t> counts;
  for (const TableColumn& column : columns)
    if (column.kind == TableColumn::Kind::embedding) counts.push_back(count_of(column) + 1);
  return counts;
}

TableEncoding found_columns(const CsvTable& table, const std::vector<std::string>& inputs,
                            const TableRules& rules) {
  TableEncoding encoding;
  for (const std::string& name : inputs) {
    const std::size_t at = table.column(name);
    TableColumn column;
    column.name = name;
    if (is_text(table, at, rules.missing) || is_one_of(name, rules.categories)) {
      column.kind = TableColumn::Kind::one_hot;
      column.missing = rules.missing;
      column.categories = categories_in(table, at, rules.missing);
    } else if (rules.fill != FillRule::error) {
      column.missing = rules.missing;
    }
    encoding.columns.push_back(std::move(column));
  }
  return encoding;
}

at::Tensor raw_rows(const CsvTable& table, const TableEncoding& encoding) {
  const std::size_t width = encoding.columns.size();
  require_memory(table.rows() * static_cast<std::int64_t>(width * sizeof(double)),
                 format("{}: its {} rows of {} inputs", table.path(), table.rows(), width),
                 "use fewer rows, or fewer columns (`inputs`)");
  std::vector<double> values(static_cast<std::size_t>(table.rows()) * width);
  for (std::size_t c = 0; c < width; ++c) {
    const TableColumn& column = encoding.columns[c];
    const std::size_t at = table.column(column.name);
    for (std::int64_t row = 0; row < table.rows(); ++row) {
      double& value = values[static_cast<std::size_t>(row) * width + c];
      if (column.kind != TableColumn::Kind::number)
        value = category_in_cell(table.cell(row, at), column);
      else if (is_one_of(table.cell(row, at), column.missing))
        value = kNoValue;
      else
        value = number_in_cell(table, row, at);
    }
  }
  return tensor_of(std::move(values), {table.rows(), static_cast<std::int64_t>(width)});
}

TableEncoding measured(DataSet& data, TableEncoding found, const TableRules& rules,
                       const std::string& file) {
  for (std::size_t c = 0; c < found.columns.size(); ++c) {
    TableColumn& column = found.columns[c];
    const auto at = static_cast<std::int64_t>(c);
    const std::string what = format("{}: column '{}'", file, column.name);
    if (column.kind == TableColumn::Kind::number)
      measure_number(data.train.images.select(1, at), rules.fill, what, column);
    else
      measure_categories({&data.train, &data.validation, &data.test}, at, rules.encode, what,
                         column);
  }
  constexpr auto kMost = static_cast<std::int64_t>(CsvTable::kMostColumns);
  if (found.features() > kMost)
    throw DataError(
        format("{}: its categories make {} numbers of a row, more than {}; use encode: "
               "embedding, or leave columns out of `inputs`",
               file, found.features(), kMost));
  return found;
}

std::string place_of(const CsvTable& table, const std::string& column, double number) {
  const std::size_t at = table.column(column);
  for (std::int64_t row = 0; row < table.rows(); ++row)
    if (parse_number(table.cell(row, at)) == number) return table.place(row, at);
  return "";
}

at::Tensor encoded(const at::Tensor& raw, const TableEncoding& encoding, const NumberPlace& place) {
  const std::int64_t width =
      encoding.features() + static_cast<std::int64_t>(encoding.categories().size());
  require_memory(raw.size(0) * width * static_cast<std::int64_t>(sizeof(float)),
                 format("{} rows as samples of {} numbers", raw.size(0), width),
                 "use fewer rows or columns, or encode: embedding");
  at::Tensor samples = at::empty({raw.size(0), width}, raw.options().dtype(at::kFloat));
  std::int64_t feature = 0;
  std::int64_t category = encoding.features();
  for (std::size_t c = 0; c < encoding.columns.size(); ++c) {
    const TableColumn& column = encoding.columns[c];
    const at::Tensor values = raw.select(1, static_cast<std::int64_t>(c));
    if (column.kind == TableColumn::Kind::number) {
      const at::Tensor filled = values.masked_fill(values.isnan(), column.fill);
      const at::Tensor sample = samples.select(1, feature++);
      sample.copy_((filled - column.mean) / column.std);
      check_standardised(sample, filled, column.name, place);
      if (encoding.clip) sample.clamp_(-*encoding.clip, *encoding.clip);
    } else if (column.kind == TableColumn::Kind::embedding) {
      samples.select(1, category++).copy_(values.nan_to_num(-1) + 1);
    } else {
      const std::int64_t count = count_of(column);
      const at::Tensor places = at::arange(count, raw.options());
      samples.narrow(1, feature, count).copy_(values.unsqueeze(1).eq(places));
      feature += count;
    }
  }
  return samples;
}

at::Tensor read_rows(const std::string& file, const TableEncoding& encoding) {
  const CsvTable table(file, encoding.separator.at(0));
  return encoded(
      raw_rows(table, encoding), encoding,
      [&](const std::string& column, double number) { return place_of(table, column, number); });
}

}  // namespace onecycle
