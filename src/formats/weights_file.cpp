#include "formats/weights_file.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "formats/foreign_file.h"
#include "formats/torch/torch_archive.h"
#include "formats/zip/zip_reader.h"

#include <filesystem>

namespace onecycle {

namespace {

// Names may share a storage; a file cannot make much more of itself than it is.
void check_amount(const WeightsContent& content, std::uint64_t file_bytes) {
  constexpr std::uint64_t kMostCopies = 8;
  std::uint64_t left = file_bytes * kMostCopies;
  for (const StoredTensor& tensor : content.tensors) {
    if (tensor.bytes > left)
      throw CheckpointError(
          format("refused: its tensors exceed {} times the file's size", kMostCopies));
    left -= tensor.bytes;
  }
}

WeightsContent from_torch(WeightsKind kind, TorchWeights&& weights) {
  return {kind,
          std::move(weights.tensors),
          {},
          std::move(weights.member),
          std::move(weights.beside),
          std::move(weights.skipped)};
}

WeightsContent parse_by_kind(std::string_view bytes, const std::string& name) {
  if (is_zip(bytes)) return from_torch(WeightsKind::torch_archive, read_torch_archive(bytes, name));
  if (is_torch_legacy(bytes))
    return from_torch(WeightsKind::torch_legacy, read_torch_legacy(bytes, name));
  if (is_safetensors(bytes)) {
    SafetensorsContent content = parse_safetensors(bytes);
    return {WeightsKind::safetensors,
            std::move(content.tensors),
            std::move(content.metadata),
            "",
            {},
            {}};
  }
  if (const std::string foreign = foreign_file(bytes, name); !foreign.empty())
    throw CheckpointError("not a file of weights: " + foreign);
  // A pickle of something else: what it wants is the better message.
  if (bytes.starts_with('\x80') || bytes.starts_with('c') || bytes.starts_with('('))
    (void)Pickle(bytes, torch_globals());
  throw CheckpointError(
      "not a file of weights: neither safetensors nor what torch.save writes (a state_dict)");
}

}  // namespace

const char* name_of(WeightsKind kind) {
  switch (kind) {
    case WeightsKind::safetensors:
      return "safetensors";
    case WeightsKind::torch_archive:
      return "torch archive";
    case WeightsKind::torch_legacy:
      return "legacy torch pickle";
  }
  return "";
}

std::optional<WeightsKind> kind_by_name(const std::string& path) {
  const std::string suffix = std::filesystem::path(path).extension().string();
  if (suffix == ".pth" || suffix == ".pt") return WeightsKind::torch_archive;
  if (suffix == ".safetensors") return WeightsKind::safetensors;
  return std::nullopt;
}

std::string origin_text(const WeightsContent& content) {
  std::string text = name_of(content.kind);
  if (!content.member.empty()) text += ", " + content.member;
  return content.beside.empty() ? text : format("{} (not {})", text, joined(content.beside, ", "));
}

WeightsContent parse_weights(std::string_view bytes, const std::string& name) {
  try {
    WeightsContent content = parse_by_kind(bytes, name);
    check_amount(content, bytes.size());
    return content;
  } catch (const Error& error) {
    throw CheckpointError(error.what());
  } catch (const std::exception& error) {  // of the JSON library
    throw CheckpointError(format("not a sound safetensors file: {}", printable(error.what(), 160)));
  }
}

WeightsFile::WeightsFile(const std::string& path) : file_(path) {
  try {
    content_ = parse_weights(file_.bytes(), path);
  } catch (const CheckpointError& error) {
    throw CheckpointError(format("{}: {}", path, error.what()));
  }
}

}  // namespace onecycle
