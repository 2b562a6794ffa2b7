#pragma once

#include <string>

namespace onecycle {

struct CommandSummary {
  const char* name;
  const char* does;
};

// Every command, in the order in which help lists them.
inline constexpr CommandSummary kCommandSummaries[] = {
    {"train", "train what a recipe describes"},
    {"tune", "Smith's whole procedure, to a tuned recipe with its evidence"},
    {"range-test", "the largest useful learning rate, by Smith's LR range test"},
    {"fit-batch", "the largest batch that fits, the fastest, and one to train with"},
    {"lr-find", "the same as range-test"},
    {"search", "grid, random and halving search over any keys of a recipe"},
    {"eval", "loss and metrics of trained weights on a data set; of classes confusions too"},
    {"predict", "what a trained network tells of pictures, the rows of a table or arrays"},
    {"export", "a run's weights for PyTorch, or as plain safetensors"},
    {"import", "what a file of weights holds, and whether a model takes it"},
    {"report", "one HTML page about a run or a range test, with its plots"},
    {"schedule", "learning rate, momentum and weight decay over a run, without running it"},
    {"check", "validate recipes: every key, with file, line and column"},
    {"data", "list, verify, describe, fetch and pack data sets"},
    {"weights", "list and fetch pretrained weights"},
    {"info", "devices, libraries, versions and build options"},
    {"schema", "the recipe's JSON Schema, or its reference page"},
};

// What the program answers, without a command, to `first`, its first argument or nullptr: its help
// or its version. Empty where that is a command.
std::string answer_without_command(const char* first);

}  // namespace onecycle
