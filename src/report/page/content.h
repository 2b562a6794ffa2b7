#pragma once

#include "onecycle/report.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

struct PageTable {
  std::string title;
  std::string note;
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> rows;
  std::vector<bool> textual;  // columns of words; the others are numbers, set flush right
};

// A square table of counts, shaded by their share of the row; `names` of rows and columns.
struct PageMatrix {
  std::string title;
  std::string note;
  std::string corner;  // what rows and columns are
  std::vector<std::string> names;
  std::vector<std::vector<std::int64_t>> counts;
};

struct PagePicture {
  std::string image;  // a data: URI
  std::string alternative;
  std::vector<std::string> lines;  // below it
};
struct PageGallery {
  std::string title;
  std::string note;
  std::vector<PagePicture> pictures;
};

// A line for a shell, and what it does.
struct PageCommand {
  std::string what;
  std::string line;
};

// What a page says, whatever it is about.
struct PageContent {
  std::string title;
  std::string subtitle;
  std::string answer;                 // the result, in large type
  std::vector<PageCommand> commands;  // what to do next, below it
  std::vector<std::string> words;
  std::vector<std::string> warnings;
  Facts facts;                     // the few numbers to see first
  std::vector<PageTable> summary;  // before the figures
  std::vector<Figure> figures;
  std::vector<PageMatrix> matrices;
  std::vector<PageTable> tables;
  std::vector<PageGallery> galleries;
  std::string recipe;   // YAML
  std::string changes;  // "key: value" a line, where it differs from defaults; then it is folded
  Facts machine;
};

bool is_range_test(const std::string& folder);
bool is_tuning(const std::string& folder);

// Writes the page and the files of its figures into the folder beside it, PNG files too where
// options.gnuplot is not empty; options.facts and .words are added. Throws UsageError, Error.
Report write_page(PageContent content, const std::string& page, const ReportOptions& options);

// Throw Error.
PageContent read_content(const std::string& folder);
PageContent read_run(const std::string& folder);
PageContent read_range_test(const std::string& folder);
PageContent read_tuning(const std::string& folder);

}  // namespace onecycle
