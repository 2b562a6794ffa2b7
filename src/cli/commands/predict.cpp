#include "onecycle/error.h"
#include "onecycle/predictor.h"

#include "cli/picture_files.h"
#include "cli/prediction_rows.h"
#include "cli/trained_network.h"
#include "core/text/number.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace onecycle {

namespace {

constexpr std::size_t kBatch = 64;

constexpr const char* kPredictExamples = R"(  onecycle predict runs/photos/1 holiday/ cat.jpg
  onecycle predict runs/photos/1 holiday/ --top 5 --csv > holiday.csv
  find . -name '*.png' | onecycle predict runs/photos/1 - --json
  onecycle predict recipes/cifar10-eval-resnet20.yaml --weights resnet20.th frog.png --tta flip
Pictures are JPEG or PNG. Each is resized and cut like those that the network was trained on, to
the network's own size if it was trained on arrays. One that cannot be read is reported on stderr;
the others are predicted, and the exit code is 1.
)";

// A picture, or why there is none.
struct Read {
  std::string file;
  at::Tensor image;  // [C,H,W], uint8
  std::string failure;
};

void read(Read& item, const Predictor& predictor) {
  try {
    item.image = predictor.picture(item.file);
  } catch (const Error& error) {
    item.failure = error.what();
  } catch (const std::exception& error) {
    item.failure = item.file + ": " + error.what();
  }
}

// Predicts the files of one batch and writes a row each; returns how many could not be read.
std::int64_t predict_batch(const Predictor& predictor, std::vector<Read> batch, std::int64_t top,
                           PredictionRows& rows) {
  at::parallel_for(0, static_cast<std::int64_t>(batch.size()), 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i)
                       read(batch[static_cast<std::size_t>(i)], predictor);
                   });
  std::vector<at::Tensor> images;
  for (const Read& item : batch)
    if (item.failure.empty()) images.push_back(item.image);
  at::Tensor probabilities;
  if (!images.empty()) probabilities = predictor.predict(at::stack(images)).probabilities;
  std::int64_t failed = 0;
  std::int64_t row = 0;
  std::vector<PredictionRow> written;
  for (const Read& item : batch) {
    if (!item.failure.empty()) {
      rows.fail(item.file, item.failure);
      ++failed;
    } else {
      written.push_back({item.file, predictor.top(probabilities[row++], top)});
    }
  }
  rows.write(written);
  return failed;
}

std::int64_t top_of(const CommandLine& line) {
  const auto top = parse_integer(line.text("top", "3"));
  if (!top || *top < 1) line.misused("--top: expected a number of classes, at least 1");
  return *top;
}

RowFormat format_of(const CommandLine& line) {
  if (line.json() && line.has("csv")) line.misused("--json and --csv are two formats: name one");
  if (line.json()) return RowFormat::json;
  return line.has("csv") ? RowFormat::csv : RowFormat::table;
}

}  // namespace

int predict_command(int argc, char** argv) {
  CommandLine line("predict", "The classes that a trained network gives to pictures.",
                   "RUN_DIR|RECIPE [--weights FILE] FILE|FOLDER|-...", kPredictExamples);
  line.add_positional();
  add_network_options(line);
  line.add_option("top", "K",
                  "classes given for each picture, the most probable first (default: 3)");
  line.add_flag("csv", "rows of file,class,probability,class2,probability2,...");
  if (!line.parse(argc, argv)) return 0;

  std::vector<std::string> given = line.positional();
  if (given.empty()) line.misused("RUN_DIR or RECIPE is missing");
  const std::string subject = given.front();
  given.erase(given.begin());
  if (given.empty()) line.misused("pictures are missing: name files, folders, or - for a list");
  const RowFormat row_format = format_of(line);
  std::int64_t top = top_of(line);

  TrainedNetwork network = open_network(subject, line, NeedsData::no);
  const TrainOptions& train = network.run.recipe.train;
  const Predictor predictor(
      network.run.model, network.task,
      {train.device, train.precision, test_time_augmentation(line, network.run.recipe)});
  predictor.require_pictures();
  top = std::min<std::int64_t>(top, network.run.context.classes);
  PredictionRows rows(row_format, top);
  std::int64_t failed = 0;
  std::int64_t found = 0;
  std::vector<Read> batch;
  const auto finish_batch = [&] {
    failed += predict_batch(predictor, std::move(batch), top, rows);
    batch.clear();
  };
  for_each_picture(
      given,
      [&](const std::string& file) {
        ++found;
        batch.push_back({file, {}, ""});
        if (batch.size() == kBatch) finish_batch();
      },
      [&](const std::string& place, const std::string& why) {
        ++failed;
        ++found;
        rows.fail(place, why);
      });
  if (!batch.empty()) finish_batch();
  rows.finish(found, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace onecycle
