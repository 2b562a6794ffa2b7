#pragma once

#include "onecycle/compute.h"
#include "onecycle/fit_options.h"
#include "onecycle/models.h"
#include "onecycle/table.h"
#include "onecycle/tasks.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

// Trained networks at work: no trainer, no recipe, no data set.
//
//   const onecycle::Predictor predictor("runs/photos/1");
//   const onecycle::Predictions found = predictor.predict(images);    // [N,C,H,W], uint8
//   predictor.top(found.probabilities[0], 3)[0].name;
namespace onecycle {

// Images of height x width whose shorter side becomes `side` before a network sees them, as
// DataSet::resize says.
struct BatchResize {
  std::int64_t side = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;

  bool operator==(const BatchResize&) const = default;
};

// What a network was trained to take and to tell: enough to use it without its data.
struct NetworkTask {
  std::string data;  // the data set's name
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::string> classes;  // or the labels; none where it tells values
  std::vector<double> mean;          // as in DataSet; empty where it has none
  std::vector<double> std;
  // Of a picture's shorter side, before height x width, or those of batch_resize, are cut from it.
  std::int64_t resize = 0;
  Choice task{"classification"};
  TargetStatistics targets = {};                 // its names are those of the values
  std::vector<std::int64_t> sample_shape = {};   // as in ModelContext; empty: pictures
  std::optional<TableEncoding> table = {};       // where samples are the rows of tables
  std::optional<BatchResize> batch_resize = {};  // where images are resized a batch at a time

  // Height of the images that it is given, in pixels: before batch_resize.
  std::int64_t image_height() const { return batch_resize ? batch_resize->height : height; }
  // Their width.
  std::int64_t image_width() const { return batch_resize ? batch_resize->width : width; }

  // Classes, labels or values that it tells of a sample: [N, told()] are its predictions.
  std::int64_t told() const {
    return static_cast<std::int64_t>(classes.empty() ? targets.names.size() : classes.size());
  }
};

// The task as chosen, whose predictions are in the units of the data. Throws Error where it does
// not tell what `task` has: classes or labels, or values.
std::shared_ptr<const Task> make_task(const NetworkTask& task, const TaskRegistry& tasks);
// What such a task tells: its targets(), or, where it takes any, values if there are no classes.
TargetKind told_kind(const NetworkTask& task, const Task& made);

// Where and how a Predictor computes.
struct PredictorOptions {
  DeviceChoice device = DeviceChoice::automatic;
  Precision precision = Precision::fp32;
  // A run's own evaluations, and `onecycle predict`, go by the recipe's train.tta.
  TestTimeAugmentation views = TestTimeAugmentation::none;
  std::int64_t batch_size = 512;  // samples computed together, at most
  bool averaged = true;           // the weights averaged over the run, where the file has them
};

// What a network makes of samples, on the CPU.
struct Predictions {
  at::Tensor logits;         // [N, outputs], fp32: the network's outputs, whatever its task
  at::Tensor probabilities;  // [N, classes or labels], fp32; undefined where it tells values
  at::Tensor values = {};    // [N, values], fp64, in the data's units; undefined where it does not
};

// A class and how probable it is.
struct RankedClass {
  std::string name;
  double probability = 0;
};

// A network with its trained weights, which never change. Any number of threads may call one at the
// same time, and copies share the network. Neither the process's threads nor its current device are
// changed; work within a call is shared by ATen's threads. Making one draws from ATen's default
// generator, as every module of torch::nn does.
class Predictor {
 public:
  // `path`: a run's folder, whose newest sound checkpoint is taken, or a file that says what its
  // network is, a checkpoint or an exported .safetensors. `models`: those that it may name. Throws
  // CheckpointError, in one line, for other files and broken ones, Error for a device or precision
  // that this machine has not. `tasks`: likewise.
  explicit Predictor(const std::string& path, const PredictorOptions& options = {},
                     const ModelRegistry& models = builtin_models(),
                     const TaskRegistry& tasks = builtin_tasks());
  // A model with its weights, which is moved, converted and no longer trainable.
  Predictor(std::shared_ptr<Model> model, NetworkTask task, const PredictorOptions& options = {},
            const TaskRegistry& tasks = builtin_tasks());

  // images [N,C,H,W], uint8 or float32 of 0 to 1, of the network's size; of larger ones a square
  // network sees the centre. With batch_resize: of any size, and so after it. What is no picture:
  // [N, sample_shape...], float32 or float64, as they were before they were standardised, where
  // they were. Batches of the same sizes as an evaluation's give the same bits. Throws Error for
  // other samples, and for outputs that are not numbers.
  Predictions predict(const at::Tensor& images) const;
  // Files of JPEG, PNG, WebP, BMP or GIF. Throws DataError, naming the first that cannot be read.
  Predictions predict(const std::vector<std::string>& pictures) const;
  // The rows of a CSV file with at least the inputs of the table that the network was trained on,
  // read as that was. Throws DataError, with line and column, for what cannot be a row, Error where
  // the network was trained on no table.
  Predictions predict_table(const std::string& csv_file) const;
  // The samples of an .npy, .npz or safetensors file: its one array, or the one among `names`, else
  // of a usual name ("inputs", "x", ...). Throws DataError, with the file, for what is none, or
  // none that the network takes.
  Predictions predict_arrays(const std::string& file,
                             const std::vector<std::string>& names = {}) const;

  // [C,H,W], uint8: a picture as the network takes it, resized and cut as those that it was
  // trained on. Messages call the bytes `name`. Throws DataError for what is not a sound
  // picture, Error where the network does not take pictures.
  at::Tensor picture(const std::string& file) const;
  at::Tensor picture(std::span<const std::uint8_t> bytes, const std::string& name) const;
  // Throws that Error now.
  void require_pictures() const;

  // The most probable classes or labels of one sample [classes], at most `count`, the first one
  // first. Throws Error where the network tells values.
  std::vector<RankedClass> top(const at::Tensor& probabilities, std::int64_t count) const;

  const NetworkTask& task() const;  // what it takes and tells
  TargetKind tells() const;         // classes, labels or values
  const Compute& compute() const;   // where it computes, in which format
  // The checkpoints that were passed over because they are damaged.
  const std::vector<std::string>& warnings() const;

 private:
  struct Network;
  std::shared_ptr<const Network> network_;
};

// ---- In files ----------------------------------------------------------------------------------

// The key, in the metadata of a file that a Predictor reads, of the NetworkTask.
inline constexpr const char* kTaskKey = "task";
// The key of the choice of the model.
inline constexpr const char* kModelKey = "model";
// The text under such a key.
std::string to_json(const NetworkTask& task);
std::string to_json(const Choice& model);

// Nothing where the metadata have none; one of before there were other tasks classifies pictures.
// Throws CheckpointError, naming `source`, for a broken one.
std::optional<NetworkTask> task_in(const std::map<std::string, std::string>& metadata,
                                   const std::string& source,
                                   const TaskRegistry& tasks = builtin_tasks());

}  // namespace onecycle
