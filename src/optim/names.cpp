#include "optim/names.h"

#include "core/text/format.h"

#include <algorithm>
#include <fnmatch.h>
#include <span>

namespace onecycle {

bool fits(const std::string& glob, const std::string& name) {
  return fnmatch(glob.c_str(), name.c_str(), 0) == 0;
}

std::string names_of(const std::vector<Parameter>& parameters) {
  constexpr std::size_t kShown = 8;
  const auto shown = std::span(parameters).first(std::min(parameters.size(), kShown));
  const std::string text = joined(shown, ", ", &Parameter::name);
  return parameters.size() > kShown ? text + ", …" : text;
}

bool is_norm(const torch::nn::Module& layer) {
  const auto own = layer.named_parameters(false);
  const at::Tensor* weight = own.find("weight");
  return weight != nullptr && weight->dim() == 1;
}

}  // namespace onecycle
