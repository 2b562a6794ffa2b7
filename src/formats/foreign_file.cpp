#include "formats/foreign_file.h"

#include "core/text/format.h"
#include "formats/torch/torch_advice.h"

namespace onecycle {

namespace {

struct ForeignKind {
  std::string_view start;
  const char* what;
};

constexpr ForeignKind kForeignKinds[] = {
    {"\x1f\x8b", "packed by gzip; unpack it first"},
    {"\x89HDF\r\n", "an HDF5 file, as Keras writes; save a PyTorch state_dict or safetensors"},
    {"GGUF", "a GGUF file; save a PyTorch state_dict or safetensors"},
    {"\x93NUMPY", "an array of numpy, without names; save a PyTorch state_dict or safetensors"},
    {"version https://git-lfs",
     "a pointer of Git LFS in place of the file: `git lfs pull` gets it"},
    {"<!DOCTYPE", "a web page in place of the file; download it again"},
    {"<!doctype", "a web page in place of the file; download it again"},
    {"<html", "a web page in place of the file; download it again"},
};

constexpr std::size_t kTarMagicAt = 257;
constexpr std::size_t kTarHeader = 512;

}  // namespace

std::string foreign_file(std::string_view bytes, const std::string& name) {
  for (const auto& [start, what] : kForeignKinds)
    if (bytes.starts_with(start)) return what;
  if (bytes.size() >= kTarHeader && bytes.substr(kTarMagicAt, 5) == "ustar") {
    const std::string_view first = bytes.substr(0, bytes.find('\0'));
    if (first != "sys_info" && first != "pickle" && first != "storages" && first != "tensors")
      return "a tar archive; unpack it first";
    return "a tar archive, as torch.save wrote before PyTorch 0.1.11; if you trust it, save it "
           "anew, " +
           saved_in_python(format("torch.load({}, weights_only=False)", python_text(name)));
  }
  if (bytes.starts_with('{') && bytes.find("\"weight_map\"") != std::string_view::npos)
    return "a list of the files that a model's weights are spread over, which are not read "
           "together; save them as one file";
  return "";
}

}  // namespace onecycle
