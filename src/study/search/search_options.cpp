#include "onecycle/search.h"

#include "study/search/search_axis.h"
#include "yaml/document.h"
#include "yaml/yaml.h"

namespace onecycle {

// Its axes are read apart, so that each problem has its own place.
template <>
struct OptionType<SearchSpace> {
  static std::string name() { return "map of recipe keys"; }
  static std::string schema() { return R"({"type":"object","minProperties":1})"; }
  static std::optional<SearchSpace> read(const Value& value, std::string& why) {
    if (value.is_map() && !value.members.empty()) return SearchSpace{{}, value};
    why = "a map from recipe keys to their values, like schedule.lr_max: {log_uniform: [0.01, 1]}";
    return std::nullopt;
  }
  static void write(const SearchSpace& space, Value& to) { to = space.written; }
};

namespace {

OptionTable<SearchOptions> search_table() {
  using Options = SearchOptions;
  OptionTable<Options> table("search", "Which values of which recipe keys to try");
  table.add("method", &Options::method,
            {{"grid", SearchMethod::grid},
             {"random", SearchMethod::random},
             {"halving", SearchMethod::halving}},
            "grid: every combination; random: points drawn from the space; halving: random points, "
            "the best of them again in longer cycles");
  table.add("trials", &Options::trials, "points of random, and of halving's first rung")
      .range(between(1, 1'000'000));
  table.add("seed", &Options::seed, "of the points drawn").range(at_least(0));
  table.add("metric", &Options::metric,
            {{"validation_metric", SearchMetric::validation_metric},
             {"validation_accuracy", SearchMetric::validation_metric},
             {"validation_loss", SearchMetric::validation_loss}},
            "what trials are compared by; validation_metric, or validation_accuracy: the task's "
            "first metric");
  table
      .add("reduction", &Options::reduction,
           "halving: one in this many goes on, to a cycle this many times as long")
      .range(at_least(2));
  table
      .add("min_share", &Options::min_share,
           "halving: the first rung's cycle is at least this share of train.duration")
      .range({.low = 0, .high = 1, .low_open = true});
  table.add("checkpoints", &Options::checkpoints,
            "keep a trial's checkpoints as output.checkpoint_every and output.keep say, not only "
            "its last");
  table.add("space", &Options::space, "recipe keys, each with a list or a distribution of values");
  table.required();
  return table;
}

}  // namespace

SearchOptions read_search(const Value& section, Problems& problems) {
  const std::size_t before = problems.size();
  SearchOptions options = search_table().read(section, "search", problems);
  for (const Value::Member& member : options.space.written.members) {
    const std::string path = "search.space." + member.key;
    const std::size_t sound = problems.size();
    options.space.axes.push_back(read_axis(member, path, problems));
    if (problems.size() == sound && options.method == SearchMethod::grid &&
        options.space.axes.back().kind != Axis::Kind::list)
      problems.add(member.value.at, path,
                   "a grid needs a list of values, like [0.1, 0.3, 1]; or use method: random");
  }
  if (problems.size() == before && size_text(options).empty())
    problems.add(section.at, "search.space",
                 "has more than 1,000,000 combinations; use method: random");
  return options;
}

Value write_search(const SearchOptions& options) { return search_table().write(options); }

std::string search_text(const SearchOptions& options) {
  Value section = write_search(options);
  escape_environment(section);
  return write_yaml(section);
}

SearchOptions read_search_text(const std::string& text, const std::string& name) {
  Value section = parse_yaml(text, name);
  interpolate_environment(section);
  Problems problems;
  SearchOptions options = read_search(section, problems);
  problems.throw_if_any();
  return options;
}

OptionGroup search_options() { return search_table().group(); }

std::optional<Value> take_search(Value& document) {
  const Value* found = document.find("search");
  if (found == nullptr) return std::nullopt;
  Value section = *found;
  document.erase("search");
  return section;
}

}  // namespace onecycle
