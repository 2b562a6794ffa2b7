#include "onecycle/error.h"
#include "onecycle/predictor.h"

#include "cli/picture_files.h"
#include "cli/prediction_rows.h"
#include "cli/trained_network.h"
#include "core/text/number.h"
#include "data/arrays/array_samples.h"
#include "options/value_json.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace onecycle {

namespace {

constexpr std::size_t kBatch = 64;
constexpr std::int64_t kRowsWritten = 1024;  // together

constexpr const char* kPredictExamples = R"(  onecycle predict runs/photos/1 holiday/ cat.jpg
  onecycle predict runs/photos/1 holiday/ --top 5 --csv > holiday.csv
  find . -name '*.png' | onecycle predict runs/photos/1 - --json
  onecycle predict recipes/cifar10-eval-resnet20.yaml --weights resnet20.th frog.png --tta flip
  onecycle predict runs/houses/1 new.csv > prices.csv
Pictures are JPEG, PNG, WebP, BMP or GIF. Each is resized and cut like those that the network was
trained on, to the network's own size if it was trained on arrays. One that cannot be read is
reported on stderr; the others are predicted, and the exit code is 1. A network that was trained on
a table takes one CSV file with the same inputs, and writes CSV: the row's number, from 1, and what
it tells of it. One that was trained on arrays that are no pictures takes one .npy file, or an .npz
or safetensors file with such an array, likewise.
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
  Predictions predictions;
  if (!images.empty()) predictions = predictor.predict(at::stack(images));
  std::int64_t failed = 0;
  std::int64_t row = 0;
  std::vector<PredictionRow> written;
  for (const Read& item : batch) {
    if (!item.failure.empty()) {
      rows.fail(item.file, item.failure);
      ++failed;
    } else {
      written.push_back(row_of(predictor, predictions, row++, top));
      written.back().file = item.file;
    }
  }
  rows.write(written);
  return failed;
}

// What the recipe calls the array of inputs.
std::vector<std::string> input_names(const Choice& format) {
  const Json options = json_of(format);
  if (format.name != "arrays" || !options.contains("inputs")) return kInputNames;
  return options.at("inputs").get<std::vector<std::string>>();
}

// Of the rows of a table, or the samples of an array.
void predict_rows(const Predictor& predictor, const Choice& format, const std::string& file,
                  std::int64_t top, PredictionRows& rows) {
  const Predictions predictions = predictor.task().table
                                      ? predictor.predict_table(file)
                                      : predictor.predict_arrays(file, input_names(format));
  const std::int64_t count = predictions.logits.size(0);
  for (std::int64_t first = 0; first < count; first += kRowsWritten) {
    std::vector<PredictionRow> written;
    for (std::int64_t i = first; i < std::min(count, first + kRowsWritten); ++i) {
      written.push_back(row_of(predictor, predictions, i, top));
      written.back().row = i + 1;
    }
    rows.write(written);
  }
  rows.finish(count, 0);
}

std::int64_t top_of(const CommandLine& line, const std::string& usual) {
  const auto top = parse_integer(line.text("top", usual));
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
  CommandLine line(
      "predict", "What a trained network tells of pictures, of the rows of a table, or of arrays.",
      "RUN_DIR|RECIPE [--weights FILE] FILE|FOLDER|-...|TABLE.csv|ARRAY.npy", kPredictExamples);
  line.add_positional();
  add_network_options(line);
  line.add_option(
      "top", "K",
      "classes given for each picture or row, the most probable first (default: 3, of rows 1)");
  line.add_flag("csv", "rows of file,class,probability,class2,probability2,...; tables always");
  if (!line.parse(argc, argv)) return 0;

  std::vector<std::string> given = line.positional();
  if (given.empty()) line.misused("RUN_DIR or RECIPE is missing");
  const std::string subject = given.front();
  given.erase(given.begin());
  if (given.empty())
    line.misused(
        "what to predict is missing: name pictures, folders, - for a list, a table or an array");
  const RowFormat row_format = format_of(line);
  (void)top_of(line, "1");

  TrainedNetwork network = open_network(subject, line, NeedsData::no);
  if (line.console().verbose()) line.console().say("weights    " + network.weights_text);
  const TrainOptions& train = network.run.recipe.train;
  const Predictor predictor(
      network.run.model, network.task,
      {train.device, train.precision, test_time_augmentation(line, network.run.recipe)});
  if (line.has("top") && predictor.tells() != TargetKind::classes)
    line.misused(std::string("--top ranks classes, and the network tells ") +
                 name_of(predictor.tells()) + "; leave it out");
  if (!predictor.task().sample_shape.empty()) {
    if (given.size() != 1)
      line.misused(predictor.task().table ? "the network takes a table: name one CSV file"
                                          : "the network takes arrays: name one file of them");
    const std::int64_t top = top_of(line, "1");
    PredictionRows rows(line.json() ? RowFormat::json : RowFormat::csv,
                        head_of(predictor, "row", top));
    predict_rows(predictor, network.run.recipe.data.format, given.front(), top, rows);
    return 0;
  }
  predictor.require_pictures();
  const std::int64_t top = top_of(line, "3");
  PredictionRows rows(row_format, head_of(predictor, "file", top));
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
