#include "onecycle/error.h"
#include "onecycle/predictor.h"

#include "cli/command.h"
#include "cli/console.h"
#include "cli/run_folder.h"
#include "core/files/files.h"
#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/json_text.h"
#include "formats/names/match.h"
#include "recipe/recipe_text.h"
#include "recipe/torch_optimizer.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <filesystem>

namespace onecycle {

namespace {

constexpr const char* kExportExamples = R"(  onecycle export runs/quickstart/1 --to mlp.pth
  onecycle export runs/cifar10-resnet20/1/checkpoints/best.safetensors --to resnet20.safetensors
  onecycle export runs/cifar10-resnet20/1 --to resnet20.pth --optimizer
In Python: model.load_state_dict(torch.load("mlp.pth")); with --optimizer the file is
{"state_dict": ..., "optimizer": ..., "step": ...}. What the network takes (mean and std of its
inputs) and tells (its classes) stands in mlp.pth.json, and in a safetensors file's metadata.
)";

// Counters of batch norms as integers, as PyTorch has them; `counters` keeps their values.
void restore_counters(std::vector<StoredTensor>& tensors, std::deque<std::int64_t>& counters) {
  for (StoredTensor& tensor : tensors) {
    if (!tensor.name.ends_with("num_batches_tracked") || tensor.dtype != "F32") continue;
    float count = 0;
    std::memcpy(&count, tensor.data, sizeof count);
    counters.push_back(static_cast<std::int64_t>(count));
    tensor.dtype = "I64";
    tensor.data = &counters.back();
    tensor.bytes = sizeof(std::int64_t);
  }
}

bool averages(const WeightsContent& content) {
  return std::any_of(
      content.tensors.begin(), content.tensors.end(),
      [](const StoredTensor& tensor) { return tensor.name.starts_with("average."); });
}

// What a Predictor asks of a file; an older checkpoint has a recipe alone to tell its model.
Metadata description_of(const WeightsContent& content, const Console& console) {
  Metadata result = {{"format", "pt"}};
  for (const char* key : {kTaskKey, kModelKey})
    if (content.metadata.contains(key)) result[key] = content.metadata.at(key);
  if (result.contains(kModelKey) || !content.metadata.contains("recipe")) return result;
  try {
    const std::string model =
        model_json(read_resolved(content.metadata.at("recipe"), "the checkpoint's recipe",
                                 shipped_environment().registries));
    if (!model.empty()) result[kModelKey] = model;
  } catch (const Error& error) {
    console.warn(format("the file will not say which network it belongs to: {}", error.what()));
  }
  return result;
}

// The same beside PyTorch's file, which holds tensors alone. Returns the file written, "" where
// there is nothing to say.
std::string write_beside(const std::string& to, const Metadata& metadata, const std::string& path,
                         const Console& console) {
  Json told = Json::object();
  for (const char* key : {kTaskKey, kModelKey}) {
    if (!metadata.contains(key)) continue;
    told[key] = parse_json(metadata.at(key));
    if (told[key].is_discarded())
      throw CheckpointError(path + ": what it says about its network cannot be read");
  }
  if (!told.contains(kTaskKey)) {
    console.warn(path + ": an old checkpoint, which does not say how its inputs were normalised");
    return "";
  }
  const std::string file = to + ".json";
  write_file_atomically(file, {json_text(told), "\n"});
  return file;
}

}  // namespace

int export_command(int argc, char** argv) {
  CommandLine line("export", "Writes a run's weights for PyTorch or any reader of safetensors.",
                   "RUN_DIR|CHECKPOINT --to FILE.pth|FILE.safetensors", kExportExamples);
  line.add_positional();
  line.add_option("to", "FILE", "what to write; .pth, .pt or .safetensors says which kind");
  line.add_flag("averaged", "the weights averaged over the run (default if there are any)");
  line.add_flag("raw", "the weights of the last step");
  line.add_flag("optimizer", "the optimizer's state beside them, for torch.optim (.pth only)");
  if (!line.parse(argc, argv)) return 0;

  const std::string subject = line.single("RUN_DIR");
  const std::string path =
      std::filesystem::is_directory(subject) ? newest_weights(subject, line.console()) : subject;
  if (!line.has("to")) line.misused("--to is missing: name the file to write");
  const std::string to = line.text("to");
  const auto kind = kind_by_name(to);
  const bool torch = kind == WeightsKind::torch_archive;
  if (!kind)
    line.misused("--to: expected a name that ends in .pth, .pt or .safetensors, got " + to);
  if (line.has("averaged") && line.has("raw")) line.misused("--averaged or --raw, not both");
  if (line.has("optimizer") && !torch) line.misused("--optimizer needs a .pth file");

  const WeightsFile file(path);
  if (line.has("averaged") && !averages(file.content()))
    throw CheckpointError(path + ": holds no averaged weights; train with train.ema_decay");
  bool own = false;
  std::vector<StoredTensor> tensors = model_part(file.content(), !line.has("raw"), own);
  if (!own)
    throw CheckpointError(path + ": not a checkpoint of onecycle; see `" + program_name() +
                          " import`");
  std::deque<std::int64_t> counters;
  restore_counters(tensors, counters);
  std::unique_ptr<ExportedOptimizer> optimizer;
  if (line.has("optimizer")) {
    try {
      optimizer = torch_optimizer(file.content(), shipped_environment());
    } catch (const Error& error) {
      throw CheckpointError(format("{}: {}", path, error.what()));
    }
    if (!optimizer->note.empty()) line.console().warn(optimizer->note);
  }
  std::string beside;
  if (torch) {
    write_torch(to, tensors, optimizer ? std::optional(optimizer->state) : std::nullopt,
                optimizer ? optimizer->steps : 0);
    beside = write_beside(to, description_of(file.content(), line.console()), path, line.console());
  } else {
    write_safetensors(to, tensors, description_of(file.content(), line.console()));
  }
  const bool averaged = !line.has("raw") && averages(file.content());
  line.console().say(format("{}: {} tensors{}{}", to, tensors.size(),
                            averaged ? ", averaged over the run" : "",
                            optimizer ? ", torch.optim." + optimizer->name : ""));
  if (!beside.empty())
    line.console().say(format("{}: how its inputs are normalised, and its classes", beside));
  if (line.json())
    print_json(Json{{"event", "exported"},
                    {"file", to},
                    {"tensors", tensors.size()},
                    {"averaged", averaged},
                    {"optimizer", optimizer ? Json(optimizer->name) : Json()}});
  return 0;
}

}  // namespace onecycle
