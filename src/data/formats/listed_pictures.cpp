#include "data/formats/listed_pictures.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/utf8.h"

#include <algorithm>
#include <filesystem>
#include <unordered_map>

namespace onecycle {

namespace fs = std::filesystem;

std::vector<LabelledFile> listed_pictures(const CsvTable& table, std::size_t file,
                                          const std::string& folder, const std::string& extension) {
  std::vector<LabelledFile> pictures;
  std::unordered_map<std::string, std::int64_t> rows;
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    const std::string_view cell = table.cell(row, file);
    if (cell.empty())
      throw DataError(
          format("{}: names no file; mend the cell, or leave the row out", table.place(row, file)));
    if (const char* why = why_no_name(cell))
      throw DataError(format("{}: the name of a file {}; rename it", table.place(row, file), why));
    const fs::path name = fs::path(std::string(cell) + extension).lexically_normal();
    if (name.is_absolute() || *name.begin() == "..")
      throw DataError(format("{}: '{}' leads out of the folder {}; name files within it",
                             table.place(row, file), cell, folder));
    const auto [before, is_new] = rows.emplace(name.string(), row);
    if (!is_new)
      throw DataError(format("{}: '{}' is the picture of another row already ({}); remove one",
                             table.place(row, file), cell, table.place(before->second, file)));
    pictures.push_back({(fs::path(folder) / name).string(), row});
  }
  return pictures;
}

void require_listed(const std::vector<LabelledFile>& pictures, const CsvTable& table,
                    std::size_t file) {
  for (const LabelledFile& picture : pictures) {
    std::error_code ignored;
    if (!fs::is_regular_file(picture.path, ignored))
      throw DataError(
          format("{}: no file {}; check format.folder and format.extension, or leave "
                 "the row out",
                 table.place(picture.label, file), picture.path));
  }
}

}  // namespace onecycle
