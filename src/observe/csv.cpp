#include "observe/csv.h"

#include "core/files/files.h"
#include "core/files/input_file.h"
#include "core/text/csv_text.h"
#include "core/text/format.h"
#include "core/text/metric_text.h"
#include "core/text/number.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>

namespace onecycle {

namespace {

std::string hyper_columns(const Hyper& hyper, double lr_scale) {
  return format("{},{},{},{}", number_text(hyper.lr), number_text(hyper.momentum),
                number_text(hyper.weight_decay), number_text(lr_scale));
}

// NaN has a sign, which means nothing.
std::string fixed(double value) { return std::isnan(value) ? "nan" : format("{:.6f}", value); }

// The names of a split's columns.
std::string score_names(const std::string& split, const std::vector<Metric>& metrics) {
  std::string names = split + "_loss";
  for (const Metric& metric : metrics) names += "," + split + "_" + metric.name;
  return names;
}

// Fractions in six decimals; of what has a unit of its own, nine digits.
std::string metric_cell(const Metric& metric, double value) {
  if (std::isnan(value)) return "";
  return metric.is_fraction ? fixed(value) : format("{:.9g}", value);
}

std::string score_columns(const std::optional<Score>& score, const std::vector<Metric>& metrics) {
  if (!score) return std::string(metrics.size(), ',');
  std::string columns = fixed(score->loss);
  for (std::size_t i = 0; i < metrics.size(); ++i)
    columns += "," + metric_cell(metrics[i], i < score->metrics.size() ? score->metrics[i] : NAN);
  return columns;
}

// Rows begin with the number of their step.
bool is_up_to(std::string_view row, std::int64_t step) {
  const auto own = parse_integer(row.substr(0, row.find(',')));
  return own && *own <= step;
}

// Of an earlier session's files, or today's.
int version_in(const std::string& folder) {
  constexpr std::uint64_t kLargest = std::uint64_t{1} << 20;
  const std::string said = folder + "/metrics.json";
  if (!std::filesystem::exists(said))
    return std::filesystem::exists(folder + "/metrics.csv") ? 1 : kColumnsVersion;
  const auto bytes = read_regular_file(said, kLargest);
  return columns_version({bytes.begin(), bytes.end()});
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace

CsvWriter::CsvWriter(const std::string& folder, const std::vector<Metric>& metrics,
                     const AppendFile::Warn& warn)
    : folder_(folder),
      kinds_(metrics),
      version_(version_in(folder)),
      steps_(folder + "/steps.csv",
             format("step,epoch,lr,momentum,weight_decay,lr_scale,{},samples_per_second",
                    score_names("train", metrics)),
             warn),
      metrics_(folder + "/metrics.csv",
               format("step,epoch,lr,momentum,weight_decay,lr_scale,{},{},{},train_seconds,seconds",
                      score_names("train", metrics), score_names("validation", metrics),
                      score_names("test", metrics)),
               warn) {
  write_columns();
}

void CsvWriter::write_columns() const {
  write_file_atomically(folder_ + "/metrics.json", {columns_json(kinds_, version_)});
}

// Of a 0-based step.
std::int64_t CsvWriter::step_number(std::int64_t step) const {
  return version_ < kColumnsVersion ? step : step + 1;
}

void CsvWriter::on_log_point(const LogPoint& point, StopSignal&) {
  steps_.write_line(format("{},{:.4f},{},{},{:.1f}", step_number(point.step), point.epoch,
                           hyper_columns(point.hyper, point.lr_scale),
                           score_columns(point.train, kinds_), point.samples_per_second));
}

void CsvWriter::on_evaluated(const Evaluated& event, StopSignal&) {
  metrics_.write_line(
      format("{},{:.4f},{},{},{},{},{:.3f},{:.3f}", step_number(event.step), event.epoch,
             hyper_columns(event.hyper, event.lr_scale), score_columns(event.train, kinds_),
             score_columns(event.validation, kinds_), score_columns(event.test, kinds_),
             event.train_seconds, event.seconds));
}

std::string CsvWriter::state() {
  steps_.flush_to_disk();
  metrics_.flush_to_disk();
  return "";
}

void CsvWriter::restore(const std::string&, std::int64_t steps) {
  const std::int64_t last = steps == 0 ? -1 : step_number(steps - 1);
  for (AppendFile* file : {&steps_, &metrics_})
    file->keep_lines([last](std::string_view row) { return is_up_to(row, last); });
  if (steps > 0 || version_ == kColumnsVersion) return;
  version_ = kColumnsVersion;  // no row is left that counts otherwise
  write_columns();
}

EventLog::EventLog(const std::string& folder, const AppendFile::Warn& warn)
    : file_(folder + "/events.csv", "time,steps,epoch,event,message", warn) {}

void EventLog::on_run_begin(const RunBegin& event) {
  steps_per_epoch_ = static_cast<double>(event.steps_per_epoch);
  if (event.first_step == 0) write(0, 0, "started", "");
}

void EventLog::on_notice(const Notice& notice) {
  write(notice.step, notice.epoch, name_of(notice.kind), notice.message);
}

void EventLog::on_run_end(const RunEnd& event) {
  write(event.steps, static_cast<double>(event.steps) / steps_per_epoch_, name_of(event.reason),
        event.message);
}

void EventLog::write(std::int64_t steps, double epoch, const std::string& event,
                     const std::string& message) {
  std::string line = message;
  std::replace(line.begin(), line.end(), '\n', ' ');
  file_.write_line(format("{},{},{:.4f},{},{}", now_text(), steps, epoch, event, csv_cell(line)));
}

}  // namespace onecycle
