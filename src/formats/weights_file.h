#pragma once

#include "core/files/mapped_file.h"
#include "formats/safetensors/safetensors.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

enum class WeightsKind { safetensors, torch_archive, torch_legacy };

const char* name_of(WeightsKind kind);

// What a file to write is to be by its name: .pth, .pt or .safetensors; nothing for another.
std::optional<WeightsKind> kind_by_name(const std::string& path);

// What a file of weights holds, whatever wrote it; the tensors point into its bytes.
struct WeightsContent {
  WeightsKind kind = WeightsKind::safetensors;
  std::vector<StoredTensor> tensors;
  Metadata metadata;   // of safetensors
  std::string member;  // of a torch file: where the tensors stood in it; "" at the top
  std::vector<std::string> beside;   // members that hold weights too, and were not taken
  std::vector<std::string> skipped;  // what stood beside them and is no tensor
};

// "torch archive, state_dict_ema (not state_dict)": the kind, and where the tensors stood.
std::string origin_text(const WeightsContent& content);

// Tells the kind by the content. Throws CheckpointError without the file's name; `name` is for the
// lines of Python that errors give.
WeightsContent parse_weights(std::string_view bytes, const std::string& name = "FILE");

// A file of weights, mapped: it takes no memory of its own but what reading its tensors touches.
class WeightsFile {
 public:
  // Throws CheckpointError, in one line.
  explicit WeightsFile(const std::string& path);

  const WeightsContent& content() const { return content_; }

 private:
  MappedFile file_;
  WeightsContent content_;
};

}  // namespace onecycle
