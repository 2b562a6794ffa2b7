#include "onecycle/error.h"
#include "onecycle/evaluation_report.h"
#include "onecycle/predict.h"

#include "cli/console.h"
#include "cli/progress.h"
#include "cli/ranks.h"
#include "cli/run_folder.h"
#include "cli/sample_picture.h"
#include "cli/trained_network.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/json_text.h"
#include "recipe/recipe_changes.h"
#include "recipe/recipe_text.h"
#include "report/page/text.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

namespace onecycle {

namespace {

constexpr const char* kEvalExamples = R"(  onecycle eval runs/quickstart/1
  onecycle eval recipes/quickstart.yaml --weights runs/quickstart/1 --split validation
  onecycle eval recipes/quickstart.yaml --weights model.safetensors --json
  onecycle eval recipes/cifar10-eval-resnet20.yaml --weights resnet20-12fca82f.th
  onecycle eval runs/cifar10-resnet20/1 --tta flip --report mistakes.html
For a run's folder a page is written beside its report: eval-SPLIT.html, with the confusion matrix,
classes, calibration and the worst mistakes as pictures; of classifications only. Other tasks give
their loss and metrics.
)";

constexpr std::size_t kWeakestShown = 3;

const ImageSet& split_of(const DataSet& data, const std::string& name) {
  const ImageSet* set = nullptr;
  if (name == "train") set = &data.train;
  if (name == "validation") set = &data.validation;
  if (name == "test") set = &data.test;
  if (set == nullptr) throw UsageError("--split: expected train, validation or test, got " + name);
  if (set->size() == 0) throw DataError("the " + name + " split of " + data.name + " is empty");
  return *set;
}

Classification classify(const RecipeRun& run, const ImageSet& set, const Prediction& prediction) {
  const at::Tensor probabilities = prediction.probabilities.contiguous();
  const at::Tensor labels = set.labels.cpu().contiguous();
  return classification_of(
      {probabilities.const_data_ptr<float>(), static_cast<std::size_t>(probabilities.numel())},
      {labels.const_data_ptr<std::int64_t>(), static_cast<std::size_t>(labels.numel())},
      run.data.classes);
}

// The classes of which the smallest share was recognised, those first.
std::string weakest_classes(const Classification& result) {
  std::vector<std::size_t> order(result.classes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t i) { return !result.recall(i); });
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return *result.recall(a) < *result.recall(b);
  });
  std::string text;
  for (std::size_t i = 0; i < std::min(kWeakestShown, order.size()); ++i)
    text += format("{}{} {:.2f} %", i > 0 ? ", " : "", result.classes[order[i]],
                   100 * *result.recall(order[i]));
  return text;
}

// Of all ranks, whose parts are alike.
std::function<void(std::int64_t)> progress_of(std::int64_t samples, const Group& group,
                                              const Console& console) {
  return [samples, ranks = group.size(), watch = load_watch(console)](std::int64_t done) {
    watch.progress("predicting", std::min(samples, done * ranks), samples);
  };
}

std::string write_page(const RecipeRun& run, const ImageSet& set, const Classification& result,
                       double loss, const std::string& split, const std::string& weights,
                       const std::string& page) {
  EvaluationReport report;
  report.title = run.recipe.name;
  report.subtitle = format("evaluation on the {} split of {}, weights {}", split, run.data.name,
                           std::filesystem::path(weights).lexically_normal().string());
  report.result = result;
  report.loss = loss;
  if (run.data.is_pictures())
    for (const Mistake& mistake : result.mistakes)
      report.pictures.push_back(sample_picture(set, mistake.sample));
  report.recipe = resolved_text(run.recipe, Registries());
  report.changes = changes_from_defaults(report.recipe, Registries().variants());
  report.facts = {{"machine", machine_text(run.compute)},
                  {"report by", std::string("onecycle ") + ONECYCLE_VERSION}};
  return write_evaluation_report(report, page).page;
}

void say_score(const RecipeRun& run, const Score& score, const std::string& split,
               const Console& console) {
  std::string text;
  const std::vector<Metric> metrics = run.task->metrics();
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const double value = score.metrics.at(i);
    const std::string name = human_name(metrics[i]);
    text += metrics[i].is_fraction ? format(", {} {:.2f} %", name, 100 * value)
                                   : format(", {} {:.5g}", name, value);
  }
  console.tell_result(format("{} of {}: loss {:.4f}{} on {} samples ({})", split, run.data.name,
                             score.loss, text, grouped(score.samples), run.compute.summary));
}

void say_classes(const Classification& result, const Console& console) {
  if (result.top5) console.say(format("top 5       {:.2f} %", 100 * *result.top5));
  console.say(format("calibration ECE {:.2f} %; on average {:.1f} points {} than right",
                     100 * result.ece, 100 * std::abs(result.overconfidence),
                     result.overconfidence >= 0 ? "more confident" : "less confident"));
  console.say("weakest     " + weakest_classes(result));
}

Json json_of(const RecipeRun& run, const Score& score, const std::string& split,
             const std::string& weights) {
  Json json = {{"event", "evaluated"}, {"split", split}, {"loss", json_of_number(score.loss)}};
  const std::vector<Metric> metrics = run.task->metrics();
  for (std::size_t i = 0; i < metrics.size(); ++i)
    json[metrics[i].name] = json_of_number(score.metrics.at(i));
  json["samples"] = score.samples;
  json["weights"] = weights;
  return json;
}

void add_classes(Json& json, const Classification& result) {
  Json classes = Json::array();
  for (std::size_t i = 0; i < result.classes.size(); ++i)
    classes.push_back({{"name", result.classes[i]},
                       {"samples", result.labelled(i)},
                       {"recall", result.recall(i)},
                       {"precision", result.precision(i)},
                       {"f1", result.f1(i)}});
  json["top5"] = Json(result.top5);
  json["ece"] = json_of_number(result.ece);
  json["overconfidence"] = json_of_number(result.overconfidence);
  json["classes"] = std::move(classes);
  json["confusion"] = result.confusion;
}

}  // namespace

int eval_command(int argc, char** argv) {
  CommandLine line("eval",
                   "Loss and metrics of trained weights on a data set; of classes confusions and "
                   "calibration.",
                   "RECIPE|RUN_DIR [--weights FILE|RUN_DIR] [--report FILE.html]", kEvalExamples);
  line.add_positional();
  add_network_options(line);
  line.add_option("split", "NAME", "train, validation or test (default: test)");
  line.add_option("report", "FILE.html",
                  "the page (default: eval-SPLIT.html in a run's folder, none for a recipe)");
  line.add_flag("no-report", "write no page");
  add_ranks(line);
  if (!line.parse(argc, argv)) return 0;
  if (const auto code = launch_ranks(line, argc, argv)) return *code;

  const std::string subject = line.single("RECIPE");
  const std::string split = line.text("split", "test");
  std::string page = line.text("report");
  const bool by_default = page.empty() && std::filesystem::is_directory(subject);
  if (by_default) page = format("{}/eval-{}.html", subject, split);
  if (line.has("no-report")) page.clear();
  PredictOptions options;

  const RankScope ranks(line, DeviceChoice::automatic);
  TrainedNetwork network = open_network(subject, line, NeedsData::yes, ranks.group());
  line.console().say("weights     " + network.weights_text);
  options.augmentation = test_time_augmentation(line, network.run.recipe);
  options.share = network.run.recipe.train.tta_share;
  if (options.share < 1 && options.augmentation == TestTimeAugmentation::none && !line.has("tta"))
    throw UsageError("train.tta_share has no effect without views to average: add --tta flip");
  const ImageSet& set = split_of(network.run.data, split);
  options.progress = progress_of(set.size(), *network.run.group, line.console());
  const Prediction prediction = predict(network.run, *source_of(set, network.run), options);
  options.progress = {};  // its line goes
  if (!network.run.group->is_leader()) return 0;
  const RecipeRun& run = network.run;
  const Console console = line.console();
  Json json = json_of(run, prediction.score, split, network.weights);
  if (run.data.target_kind == TargetKind::classes) {
    const Classification result = classify(run, set, prediction);
    if (!page.empty()) {
      try {
        page = write_page(run, set, result, prediction.score.loss, split, network.weights, page);
      } catch (const Error& error) {
        if (!by_default) throw;
        console.warn(std::string("no page: ") + error.what());
        page.clear();
      }
    }
    say_score(run, prediction.score, split, console);
    say_classes(result, console);
    if (!page.empty()) console.say("report      " + page);
    add_classes(json, result);
  } else {
    say_score(run, prediction.score, split, console);
    if (!page.empty()) console.say("no page     it is for classification only");
    page.clear();
  }
  json["report"] = page.empty() ? Json() : Json(page);
  if (line.json()) print_json(json);
  return 0;
}

}  // namespace onecycle
