#pragma once

#include "onecycle/report.h"

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

// What a page says, whatever it is about.
struct PageContent {
  std::string title;
  std::string subtitle;
  std::vector<std::string> words;
  std::vector<std::string> warnings;
  Facts facts;                     // the few numbers to see first
  std::vector<PageTable> summary;  // before the figures
  std::vector<Figure> figures;
  std::vector<PageTable> tables;
  std::string recipe;  // YAML
  Facts machine;
};

bool is_range_test(const std::string& folder);
bool is_tuning(const std::string& folder);

// Throw Error.
PageContent read_content(const std::string& folder);
PageContent read_run(const std::string& folder);
PageContent read_range_test(const std::string& folder);
PageContent read_tuning(const std::string& folder);

}  // namespace onecycle
