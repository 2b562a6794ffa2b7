#include "onecycle/error.h"

#include "cli/command.h"
#include "cli/console.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "data/tensor_bytes.h"
#include "formats/names/match.h"
#include "network/weights.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr const char* kImportExamples = R"(  onecycle import resnet18-f37072fd.pth
  onecycle import resnet18-f37072fd.pth --recipe recipes/finetune.yaml
  onecycle import weights.pth --to weights.safetensors
With --recipe the names are matched with its model's, under its `weights` section (match, rename); what fits is
written under the model's names.
)";

// A tensor of the file, and what the model makes of it.
struct ImportedTensor {
  const StoredTensor* stored;
  std::string fate;  // "" without a model
};

void print_table(const std::vector<ImportedTensor>& rows, const Matching* matching,
                 const CommandLine& line) {
  std::size_t widest = 4;
  for (const ImportedTensor& row : rows) widest = std::max(widest, row.stored->name.size());
  for (const auto& [stored, fate] : rows) {
    if (!line.console().quiet())
      print(line.console().out(), "{:<{}}  {:>14}  {:<4}  {}\n", visible(stored->name), widest,
            shape_text(stored->shape), stored->dtype, fate);
    if (!line.json()) continue;
    Json json{{"event", "tensor"},
              {"name", stored->name},
              {"shape", stored->shape},
              {"dtype", stored->dtype}};
    if (matching != nullptr) json["match"] = fate;
    print_json(json);
  }
  if (matching == nullptr) return;
  for (const auto& [name, note] : matching->missing)
    line.console().say(
        format("{:<{}}  not in the file{}", name, widest, note.empty() ? "" : " (" + note + ")"));
}

std::vector<ImportedTensor> rows_of(const std::vector<StoredTensor>& tensors,
                                    const Matching* matching) {
  std::vector<ImportedTensor> rows;
  for (const StoredTensor& tensor : tensors) rows.push_back({&tensor, ""});
  if (matching == nullptr) return rows;
  for (const auto& [from, to] : matching->pairs) rows[from].fate = "fits";
  const auto mark = [&](const std::vector<Mismatch>& mismatches, const char* fate) {
    for (const auto& [name, note] : mismatches)
      for (ImportedTensor& row : rows)
        if (row.stored->name == name)
          row.fate = note.empty() ? fate : format("{} ({})", fate, note);
  };
  mark(matching->unexpected, "not in the model");
  mark(matching->other_shape, "does not fit");
  return rows;
}

// Those whose numbers are not read.
void leave_out_unread(std::vector<StoredTensor>& tensors, const Console& console) {
  for (const StoredTensor& tensor : tensors)
    if (element_bytes(tensor.dtype) == 0)
      console.say(format("{} is {}, which is not read: left out", tensor.name, tensor.dtype));
  std::erase_if(tensors, [](const auto& tensor) { return element_bytes(tensor.dtype) == 0; });
}

// Contiguous copies, one tensor at a time where they are not.
void write(const std::string& to, const std::vector<StoredTensor>& tensors) {
  std::vector<at::Tensor> copies;
  std::vector<StoredTensor> plain;
  for (const StoredTensor& tensor : tensors) {
    plain.push_back(tensor);
    if (tensor.strides.empty()) continue;
    const at::Tensor numbers = tensor_of(tensor);
    if (!numbers.is_contiguous()) {
      copies.push_back(numbers.contiguous());
      plain.back().data = copies.back().const_data_ptr();
    }
    plain.back().strides.clear();
  }
  write_safetensors(to, plain, {{"format", "pt"}});
}

}  // namespace

int import_command(int argc, char** argv) {
  CommandLine line("import", "Shows what a file of weights holds, and writes it as safetensors.",
                   "FILE [--recipe RECIPE] [--to FILE.safetensors]", kImportExamples);
  line.add_positional();
  line.add_set();
  line.add_option("recipe", "RECIPE",
                  "match the names with those of its model (its data are read)");
  line.add_option("to", "FILE", "the safetensors file to write");
  if (!line.parse(argc, argv)) return 0;
  const std::string path = line.single("FILE");
  const std::string to = line.text("to");
  if (line.has("to") && !to.ends_with(".safetensors"))
    line.misused("--to: expected a name that ends in .safetensors, got " + to);

  const WeightsFile file(path);
  bool own = false;
  std::vector<StoredTensor> tensors = model_part(file.content(), /*averaged=*/true, own);
  std::optional<Matching> matching;
  WeightsOptions options;
  if (line.has("recipe")) {
    const Environment environment = shipped_environment();
    const Recipe recipe = load_recipe(line.text("recipe"), line.overrides());
    const RecipeRun run = build_for_evaluation(recipe, environment);
    options = recipe.weights;
    const std::vector<WantedTensor> wanted = wanted_tensors(*run.parameters);
    if (!own) rename(tensors, options.rename, wanted);
    matching = match(tensors, wanted);
  } else {
    rename(tensors, {}, {});
  }
  print_table(rows_of(tensors, matching ? &*matching : nullptr), matching ? &*matching : nullptr,
              line);
  for (const std::string& name : file.content().skipped)
    line.console().say(format("{} is no weight: left out", name));
  line.console().say(format("{}: {}, {} tensors{}", path, origin_text(file.content()),
                            tensors.size(),
                            matching ? format(", {} fit the model", matching->pairs.size()) : ""));
  if (matching && options.match == WeightsMatch::strict && !matching->complete())
    throw CheckpointError(
        format("{}: weights of another model{}; weights.match: partial takes what fits", path,
               matching->text()));
  if (matching && matching->pairs.empty())
    throw CheckpointError(format("{}: none of its tensors is one of the model's", path));
  if (matching) {
    std::vector<StoredTensor> fitting;
    for (const auto& [from, place] : matching->pairs) fitting.push_back(tensors[from]);
    tensors = std::move(fitting);
  }
  if (line.has("to")) {
    leave_out_unread(tensors, line.console());
    write(to, tensors);
    line.console().say(format("{}: {} tensors written", to, tensors.size()));
  }
  if (line.json())
    print_json(Json{{"event", "imported"},
                    {"kind", name_of(file.content().kind)},
                    {"tensors", tensors.size()},
                    {"file", line.has("to") ? Json(to) : Json()}});
  return 0;
}

}  // namespace onecycle
