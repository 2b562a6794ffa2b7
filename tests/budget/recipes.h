#pragma once

#include "core/text/format.h"
#include "train/support.h"

#include <map>

namespace onecycle::testing {

// Forty steps an epoch: the window is as long, since the first step of an epoch does more.
inline constexpr std::int64_t kFirst = 20;
inline constexpr std::int64_t kLast = 60;

// Nets so small that everything but their arithmetic counts.
inline const std::map<std::string, std::vector<std::string>> kLeanNets = {
    {"mlp", {"model={name: mlp, hidden: [12, 8]}", "train.precision=fp32"}},
    {"mlp-bf16", {"model={name: mlp, hidden: [12, 8]}", "train.precision=bf16"}},
    {"resnet8", {"model={name: resnet8, width: 4}", "train.precision=fp32"}},
    {"resnet8-bf16", {"model={name: resnet8, width: 16}", "train.precision=bf16"}},
    // From 8 images on: our own convolutions.
    {"resnet8-direct",
     {"model={name: resnet8, width: 16}", "train.precision=bf16", "data.batch_size=8"}}};

// Neither logs nor evaluates before its last step, which comes after the window.
inline Run lean_run(const std::string& net, const std::vector<std::string>& more = {}) {
  std::vector<std::string> overrides = {format("train.duration={}it", kLast + 1),
                                        "train.log_every=1000",
                                        "train.evaluate_every=1000it",
                                        "data.batch_size=2",
                                        "data.augment=[{pad_crop: 1}, flip]",
                                        "optimizer.weight_decay=1e-3",
                                        "optimizer.weight_decay_mode=l2"};
  for (const auto* list : {&kLeanNets.at(net), &more})
    overrides.insert(overrides.end(), list->begin(), list->end());
  return tiny_run(overrides);
}

}  // namespace onecycle::testing
