#include "formats/torch/torch_writer.h"

#include "onecycle/error.h"

#include "core/files/files.h"
#include "core/text/format.h"
#include "formats/zip/zip_writer.h"

#include <bit>

namespace onecycle {

namespace {

// Writes a pickle of protocol 2 whose persistent ids are storages.
class TorchPickler {
 public:
  void dict(bool ordered) {
    if (ordered) {
      text_ += "ccollections\nOrderedDict\n)R(";
    } else {
      text_ += "}(";
    }
  }
  void end_dict() { text_ += 'u'; }
  void list() { text_ += "]("; }
  void end_list() { text_ += 'e'; }

  void text(std::string_view value) {
    text_ += 'X';
    put(value.size(), 4);
    text_ += value;
  }
  void integer(std::int64_t value) {
    text_ += "\x8a\x08";
    put(static_cast<std::uint64_t>(value), 8);
  }
  void real(double value) {
    text_ += 'G';
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 56; shift >= 0; shift -= 8) text_ += static_cast<char>(bits >> shift & 0xff);
  }
  void scalar(const TorchScalar& value) {
    if (const bool* flag = std::get_if<bool>(&value)) {
      text_ += *flag ? '\x88' : '\x89';
    } else if (const double* number = std::get_if<double>(&value)) {
      real(*number);
    } else if (const auto* pair = std::get_if<std::pair<double, double>>(&value)) {
      real(pair->first);
      real(pair->second);
      text_ += '\x86';
    } else {
      text_ += 'N';
    }
  }
  void tensor(const StoredTensor& tensor);

  std::string finish() { return "\x80\x02" + text_ + '.'; }
  const std::vector<std::string_view>& storages() const { return storages_; }

 private:
  void put(std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) text_ += static_cast<char>(value >> (8 * i) & 0xff);
  }

  std::string text_;
  std::vector<std::string_view> storages_;
};

const char* storage_type(const std::string& dtype) {
  if (dtype == "F64") return "DoubleStorage";
  if (dtype == "F32") return "FloatStorage";
  if (dtype == "F16") return "HalfStorage";
  if (dtype == "BF16") return "BFloat16Storage";
  if (dtype == "I64") return "LongStorage";
  if (dtype == "I32") return "IntStorage";
  if (dtype == "I16") return "ShortStorage";
  if (dtype == "I8") return "CharStorage";
  if (dtype == "U8") return "ByteStorage";
  if (dtype == "BOOL") return "BoolStorage";
  throw CheckpointError(format("torch has no storage for {}", dtype));
}

void TorchPickler::tensor(const StoredTensor& tensor) {
  text_ += "ctorch._utils\n_rebuild_tensor_v2\n((";
  text("storage");
  text_ += format("ctorch\n{}\n", storage_type(tensor.dtype));
  text(std::to_string(storages_.size()));
  text("cpu");
  integer(static_cast<std::int64_t>(tensor.bytes / element_bytes(tensor.dtype)));
  text_ += "tQ";
  integer(0);
  text_ += '(';
  for (const std::int64_t length : tensor.shape) integer(length);
  text_ += "t(";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    std::int64_t stride = 1;
    for (std::size_t j = i + 1; j < tensor.shape.size(); ++j)
      stride *= std::max<std::int64_t>(1, tensor.shape[j]);
    integer(stride);
  }
  text_ +=
      "t\x89"
      "ccollections\nOrderedDict\n)RtR";  // requires_grad, hooks
  storages_.emplace_back(static_cast<const char*>(tensor.data), tensor.bytes);
}

void pickle_state(TorchPickler& pickler, const std::vector<StoredTensor>& tensors, bool ordered) {
  pickler.dict(ordered);
  for (const StoredTensor& tensor : tensors) {
    pickler.text(tensor.name);
    pickler.tensor(tensor);
  }
  pickler.end_dict();
}

void pickle_optimizer(TorchPickler& pickler, const TorchOptimizer& optimizer) {
  pickler.dict(false);
  pickler.text("state");
  pickler.dict(false);
  for (std::size_t i = 0; i < optimizer.states.size(); ++i) {
    pickler.integer(static_cast<std::int64_t>(i));
    pickle_state(pickler, optimizer.states[i], /*ordered=*/false);
  }
  pickler.end_dict();
  pickler.text("param_groups");
  pickler.list();
  pickler.dict(false);
  for (const auto& [name, value] : optimizer.group) {
    pickler.text(name);
    pickler.scalar(value);
  }
  pickler.text("params");
  pickler.list();
  for (std::size_t i = 0; i < optimizer.states.size(); ++i)
    pickler.integer(static_cast<std::int64_t>(i));
  pickler.end_list();
  pickler.end_dict();
  pickler.end_list();
  pickler.end_dict();
}

}  // namespace

void write_torch(const std::string& path, const std::vector<StoredTensor>& state,
                 const std::optional<TorchOptimizer>& optimizer, std::int64_t step) {
  TorchPickler pickler;
  if (optimizer) {
    pickler.dict(false);
    pickler.text("state_dict");
    pickle_state(pickler, state, /*ordered=*/true);
    pickler.text("optimizer");
    pickle_optimizer(pickler, *optimizer);
    pickler.text("step");
    pickler.integer(step);
    pickler.end_dict();
  } else {
    pickle_state(pickler, state, /*ordered=*/true);
  }
  const std::string pickle = pickler.finish();
  ZipWriter zip;
  zip.add("archive/data.pkl", pickle);
  zip.add("archive/byteorder", "little");
  for (std::size_t i = 0; i < pickler.storages().size(); ++i)
    zip.add(format("archive/data/{}", i), pickler.storages()[i]);
  zip.add("archive/version", "3\n");
  write_file_atomically(path, zip.finish());
}

}  // namespace onecycle
