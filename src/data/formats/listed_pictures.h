#pragma once

#include "data/formats/class_folders.h"
#include "data/tables/csv_reader.h"

#include <cstddef>
#include <string>
#include <vector>

namespace onecycle {

// The pictures that column `file` of a table names, one a row, in their order: a cell and
// `extension` are a path within `folder`, and the label is the row. Throws DataError, with the
// line, for cells that name no file, paths that lead out of the folder, and a file named twice.
std::vector<LabelledFile> listed_pictures(const CsvTable& table, std::size_t file,
                                          const std::string& folder, const std::string& extension);

// Throws DataError, with the line, for the first of them that is not there.
void require_listed(const std::vector<LabelledFile>& pictures, const CsvTable& table,
                    std::size_t file);

}  // namespace onecycle
