#include "observe/csv.h"

#include "onecycle/error.h"

#include "core/format.h"
#include "core/number.h"

namespace onecycle {

namespace {

std::ofstream open(const std::string& path, const std::string& header) {
  std::ofstream file(path);
  file << header << std::endl;
  if (!file) throw Error(path + ": cannot be written");
  return file;
}

void write_row(std::ofstream& file, const std::string& row) {
  file << row << std::endl;
  if (!file) throw Error("writing the run's CSV failed: is the disk full?");
}

std::string hyper_columns(const Hyper& hyper) {
  return format("{},{},{}", number_text(hyper.lr), number_text(hyper.momentum),
                number_text(hyper.weight_decay));
}

std::string score_columns(const std::optional<Score>& score) {
  if (!score) return ",";
  return format("{:.6f},{:.6f}", score->loss, score->accuracy);
}

}  // namespace

CsvWriter::CsvWriter(const std::string& folder)
    : steps_(open(folder + "/steps.csv",
                  "step,epoch,lr,momentum,weight_decay,train_loss,train_accuracy,"
                  "samples_per_second")),
      metrics_(open(folder + "/metrics.csv",
                    "step,epoch,lr,momentum,weight_decay,train_loss,train_accuracy,"
                    "validation_loss,validation_accuracy,test_loss,test_accuracy,train_seconds,"
                    "seconds")) {}

void CsvWriter::on_log_point(const LogPoint& point, StopSignal&) {
  write_row(steps_,
            format("{},{:.4f},{},{},{:.1f}", point.step, point.epoch, hyper_columns(point.hyper),
                   score_columns(point.train), point.samples_per_second));
}

void CsvWriter::on_evaluated(const Evaluated& event, StopSignal&) {
  write_row(metrics_, format("{},{:.4f},{},{},{},{},{:.3f},{:.3f}", event.step, event.epoch,
                             hyper_columns(event.hyper), score_columns(event.train),
                             score_columns(event.validation), score_columns(event.test),
                             event.train_seconds, event.seconds));
}

}  // namespace onecycle
