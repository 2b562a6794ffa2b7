#include "recipe/named_weights.h"

#include "onecycle/error.h"

#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/number.h"
#include "network/weights.h"
#include "recipe/recipe_error.h"

namespace onecycle {

namespace {

WeightsDescriptor named_in(const Recipe& recipe, const Environment& environment) {
  return find_weights_descriptor(*recipe.weights.name, environment.weights_folders);
}

std::string values_text(const std::vector<double>& values) {
  return "[" + joined(values, ", ", [](double value) { return number_text(value); }) + "]";
}

}  // namespace

DataOptions normalised_as_weights(const Recipe& recipe, const Environment& environment) {
  DataOptions data = recipe.data;
  if (!recipe.weights.name) return data;
  const WeightsDescriptor weights = named_in(recipe, environment);
  if (weights.mean.empty()) return data;
  if (data.mean.empty() && data.normalise == Normalise::automatic) {
    data.mean = weights.mean;
    data.std = weights.std;
  } else if ((data.mean != weights.mean || data.std != weights.std) && environment.loading.warn) {
    environment.loading.warn(
        format("{} was trained with data.mean {} and data.std {}, and the recipe normalises "
               "otherwise; leave {} out to follow the weights",
               weights.name, values_text(weights.mean), values_text(weights.std),
               data.mean.empty() ? "data.normalise" : "data.mean and data.std"));
  }
  return data;
}

std::optional<std::string> initial_weights_path(const Recipe& recipe,
                                                const Environment& environment) {
  if (recipe.weights.file) return weights_path(recipe.weights);
  if (!recipe.weights.name) return std::nullopt;
  return in_terms_of(recipe, [&] {
    const WeightsDescriptor weights = named_in(recipe, environment);
    auto path = weights_place(weights);
    if (!path)
      throw FieldError("weights.name", format("{} is in none of {}; `{} weights fetch {}` gets it",
                                              weights.download.file, joined(weights.folders),
                                              program_name(), *recipe.weights.name));
    return path;
  });
}

Recipe without_initial_weights(const Recipe& recipe, const Environment& environment) {
  Recipe result = recipe;
  result.data = in_terms_of(recipe, [&] { return normalised_as_weights(recipe, environment); });
  result.weights.file.reset();
  result.weights.name.reset();
  return result;
}

}  // namespace onecycle
