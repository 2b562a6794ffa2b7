#pragma once

#include "onecycle/classification.h"
#include "onecycle/report.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// An image as it is shown.
struct SamplePicture {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;         // 1: grey, 3: red, green, blue
  std::vector<std::uint8_t> pixels;  // [height, width, channels]
};

// What the page of an evaluation shows.
struct EvaluationReport {
  std::string title;
  std::string subtitle;
  Classification result;
  double loss = 0;
  std::vector<SamplePicture> pictures;  // of result.mistakes, in their order; may be fewer
  std::string recipe;                   // YAML
  std::string changes;                  // what of it differs from defaults; "": shown as a whole
  Facts facts;                          // machine, versions: name and value
};

// Writes the page (its name ends in ".html") and, into a folder beside it named as the page without
// that, confusion.csv, mistakes.csv and the files of the reliability diagram. Throws UsageError for
// another name and Error where files cannot be written.
Report write_evaluation_report(const EvaluationReport& evaluation, const std::string& page);

}  // namespace onecycle
