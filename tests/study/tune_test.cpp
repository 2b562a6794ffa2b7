// The whole procedure on a small task: what it remembers, and that it ends the same however often
// it stops.

#include "onecycle/tune.h"

#include "onecycle/error.h"

#include "study/result_cache.h"
#include "study/tune/tune_json.h"
#include "support/temporary_folder.h"
#include "train/support.h"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

Recipe small_recipe() {
  return tiny_recipe({"data.format.train=1500", "data.format.noise=0.6", "data.validation=500",
                      "train.duration=3ep", "optimizer.weight_decay_mode=l2"});
}

std::string text_of(const Recipe& recipe) {
  return write_yaml(recipe_options(Registries().variants()).write(recipe));
}

class StepsAndStop : public Observer {
 public:
  StepsAndStop(StopSignal& stop, std::int64_t stop_after) : stop_(stop), stop_after_(stop_after) {}
  void on_batch_end(const BatchEnd&) override {
    if (++steps == stop_after_) stop_.interrupt(SIGINT);
  }
  std::int64_t steps = 0;

 private:
  StopSignal& stop_;
  std::int64_t stop_after_;
};

TuneOptions one_seed() {
  TuneOptions options;
  options.seeds = 1;
  return options;
}

TuneResult tuned(const DataSet& data, const std::string& folder, std::int64_t stop_after,
                 std::int64_t* steps = nullptr, const TuneOptions& options = one_seed(),
                 std::vector<TunePlace>* places = nullptr) {
  StopSignal stop;
  StepsAndStop progress(stop, stop_after);
  const TuneResult result = tune({small_recipe(), data, Environment(), options, folder, stop,
                                  &progress, [](const std::string&) {},
                                  [places](const TunePlace& place) {
                                    if (places != nullptr) places->push_back(place);
                                  }});
  if (steps != nullptr) *steps = progress.steps;
  return result;
}

TEST(ResultCache, RemembersAndBelongsToItsSubject) {
  const TemporaryFolder folder;
  int computed = 0;
  const auto compute = [&] { return nlohmann::ordered_json(++computed); };
  const auto sound = [](const nlohmann::ordered_json& result) { return result.is_number(); };
  {
    ResultCache cache(folder / "m.json", "recipe a", alone());
    EXPECT_EQ(cache.get("x", compute, sound), 1);
    EXPECT_EQ(cache.get("x", compute, sound), 1);
  }
  EXPECT_EQ(ResultCache(folder / "m.json", "recipe a", alone()).get("x", compute, sound), 1);
  EXPECT_THROW(ResultCache(folder / "m.json", "recipe b", alone()), Error);
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  for (const std::string& text :
       {std::string("{"), std::string(R"({"subject": "recipe a", "results": []})"),
        R"({"subject": "recipe a", "results": {"x": )" + deep + "}}"}) {
    write_bytes(folder / "m.json", text);
    EXPECT_THROW(ResultCache(folder / "m.json", "recipe a", alone()), Error);
  }
  write_bytes(folder / "m.json", R"({"subject": "recipe a", "results": {"x": {"y": 1}}})");
  EXPECT_THROW(ResultCache(folder / "m.json", "recipe a", alone()).get("x", compute, sound), Error);
}

// A result that others changed is named, whatever of it is missing or of another type.
TEST(Tune, RefusesRememberedResultsThatAreNotItsOwn) {
  const DataSet data = build(small_recipe(), Environment()).data;
  const TemporaryFolder folder;
  (void)tuned(data, folder.path(), 1'000'000);
  const auto whole = nlohmann::ordered_json::parse(read_bytes(folder / "tune.json"));
  for (const char* path :
       {"/results/range-test/lr_max", "/results/range-test/folder", "/results/range-test/reason",
        "/results/range-test/seed_numbers", "/results/range-test/epochs"}) {
    SCOPED_TRACE(path);
    auto edited = whole;
    const nlohmann::ordered_json::json_pointer place(path);
    edited.at(place.parent_pointer()).erase(place.back());
    write_bytes(folder / "tune.json", edited.dump());
    EXPECT_THROW((void)tuned(data, folder.path(), 1'000'000), Error);
    edited = whole;
    edited[place] = {{"x", "y"}};
    write_bytes(folder / "tune.json", edited.dump());
    EXPECT_THROW((void)tuned(data, folder.path(), 1'000'000), Error);
  }
}

TEST(Tune, EndsTheSameHoweverOftenItStops) {
  const DataSet data = build(small_recipe(), Environment()).data;
  const TemporaryFolder whole;
  std::int64_t steps = 0;
  std::vector<TunePlace> places;
  const TuneResult at_once = tuned(data, whole.path(), -1, &steps, one_seed(), &places);
  ASSERT_EQ(at_once.refused, "");
  ASSERT_GT(places.size(), 5U);
  for (std::size_t i = 0; i < places.size(); ++i) {
    EXPECT_EQ(places[i].number, static_cast<std::int64_t>(i + 1));
    EXPECT_LE(places[i].at_most, places[i > 0 ? i - 1 : 0].at_most) << "no more than was said";
    EXPECT_GE(places[i].at_most, static_cast<std::int64_t>(places.size())) << places[i].item;
  }
  EXPECT_GT(steps, 1000);
  for (const TuneChoice& choice : at_once.choices)
    EXPECT_FALSE(choice.evidence.empty()) << choice.what;

  std::int64_t again = 0;
  EXPECT_EQ(text_of(tuned(data, whole.path(), -1, &again).recipe), text_of(at_once.recipe));
  EXPECT_EQ(again, 0) << "everything is remembered";

  const TemporaryFolder parts;
  int stops = 0;
  TuneResult result;
  // An item that is interrupted begins anew: each session must reach beyond the longest, the range
  // test.
  for (result = tuned(data, parts.path(), steps / 2); result.interrupted && stops < 50;
       result = tuned(data, parts.path(), steps * (stops + 1) / 5))
    ++stops;
  EXPECT_FALSE(result.interrupted);
  EXPECT_GT(stops, 0);
  EXPECT_EQ(text_of(result.recipe), text_of(at_once.recipe));
  EXPECT_DOUBLE_EQ(result.epochs, at_once.epochs);
}

TEST(Tune, ABudgetLeavesChoicesOut) {
  const DataSet data = build(small_recipe(), Environment()).data;
  const TemporaryFolder folder;
  const TemporaryFolder whole;
  TuneOptions options = one_seed();
  options.epochs = 0.6 * tuned(data, whole.path(), -1).epochs;
  const TuneResult result = tuned(data, folder.path(), -1, nullptr, options);
  bool left_out = false;
  for (const std::string& sentence : result.words)
    left_out = left_out || sentence.find("budget") != std::string::npos;
  EXPECT_LT(result.epochs, 1.1 * *options.epochs);
  for (const TuneChoice& choice : result.choices)
    left_out = left_out || choice.sure.find("budget") != std::string::npos;
  EXPECT_TRUE(left_out);
}

nlohmann::ordered_json tuning_with(const std::vector<Metric>& metrics,
                                   std::optional<double> value) {
  TuneResult result;
  result.metrics = metrics;
  result.choices = {{"momentum", "0.95", "", "clear"}};
  result.choices[0].trials = {{"0.95", -1.25, value, 2, true}, {"0.9", {}, {}, 1}};
  return nlohmann::ordered_json::parse(tune_json(result, "small", "runs/1", "name: small\n"));
}

TEST(TuneJson, TrialsOfClassificationHaveTheirAccuracyAndNothingElseIsSaid) {
  const auto json = tuning_with({{"accuracy", "acc", true, true}}, 0.875);
  EXPECT_EQ(json["choices"][0]["trials"].dump(),
            R"([{"label":"0.95","loss":-1.25,"accuracy":0.875,"epochs":2.0,"chosen":true},)"
            R"({"label":"0.9","loss":null,"accuracy":null,"epochs":1.0,"chosen":false}])");
  EXPECT_FALSE(json.contains("metric"));
  EXPECT_EQ(std::prev(json.end()).key(), "recipe");
}

TEST(TuneJson, AnotherMetricIsNamed) {
  const auto json =
      tuning_with({{"rmse", "RMSE", false, false}, {"mae", "MAE", false, false}}, 540.25);
  EXPECT_EQ(json["choices"][0]["trials"][0].dump(),
            R"({"label":"0.95","loss":-1.25,"rmse":540.25,"epochs":2.0,"chosen":true})");
  EXPECT_EQ(json["metric"].dump(),
            R"({"name":"rmse","label":"RMSE","larger_is_better":false,"is_fraction":false})");
}

TEST(TuneJson, ATaskWithoutMetricsHasNone) {
  const auto json = tuning_with({}, {});
  EXPECT_EQ(json["choices"][0]["trials"][0].dump(),
            R"({"label":"0.95","loss":-1.25,"epochs":2.0,"chosen":true})");
  EXPECT_EQ(json["metric"], nullptr);
  EXPECT_TRUE(json.contains("metric"));
}

}  // namespace
}  // namespace onecycle
