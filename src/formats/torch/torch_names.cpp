#include "formats/torch/torch_names.h"

#include "formats/safetensors/stored_tensor.h"

#include <map>

namespace onecycle {

namespace {

const std::map<std::string, TorchElement, std::less<>>& storage_elements() {
  static const std::map<std::string, TorchElement, std::less<>> elements = {
      {"DoubleStorage", {"F64", 8}},
      {"FloatStorage", {"F32", 4}},
      {"HalfStorage", {"F16", 2}},
      {"BFloat16Storage", {"BF16", 2}},
      {"LongStorage", {"I64", 8}},
      {"IntStorage", {"I32", 4}},
      {"ShortStorage", {"I16", 2}},
      {"CharStorage", {"I8", 1}},
      {"ByteStorage", {"U8", 1}},
      {"BoolStorage", {"BOOL", 1}},
      {"UntypedStorage", {"U8", 1}},
      {"ComplexFloatStorage", {"complex64", 8}},
      {"ComplexDoubleStorage", {"complex128", 16}},
      {"QInt8Storage", {"qint8", 1}},
      {"QInt32Storage", {"qint32", 4}},
      {"QUInt8Storage", {"quint8", 1}},
      {"QUInt4x2Storage", {"quint4x2", 1}},
      {"QUInt2x4Storage", {"quint2x4", 1}}};
  return elements;
}

// The part of a global after its last dot.
std::string_view last_name(std::string_view global) { return global.substr(global.rfind('.') + 1); }

// dtypes in a checkpoint's settings, and those of tensors over bytes without a type.
constexpr const char* kDtypes[] = {"bfloat16",
                                   "bits16",
                                   "bits1x8",
                                   "bits2x4",
                                   "bits4x2",
                                   "bits8",
                                   "bool",
                                   "complex128",
                                   "complex32",
                                   "complex64",
                                   "float16",
                                   "float32",
                                   "float4_e2m1fn_x2",
                                   "float64",
                                   "float8_e4m3fn",
                                   "float8_e4m3fnuz",
                                   "float8_e5m2",
                                   "float8_e5m2fnuz",
                                   "float8_e8m0fnu",
                                   "int1",
                                   "int16",
                                   "int2",
                                   "int3",
                                   "int32",
                                   "int4",
                                   "int5",
                                   "int6",
                                   "int64",
                                   "int7",
                                   "int8",
                                   "qint32",
                                   "qint8",
                                   "quint2x4",
                                   "quint4x2",
                                   "quint8",
                                   "uint1",
                                   "uint16",
                                   "uint2",
                                   "uint3",
                                   "uint32",
                                   "uint4",
                                   "uint5",
                                   "uint6",
                                   "uint64",
                                   "uint7",
                                   "uint8",
                                   "per_channel_affine",
                                   "per_channel_affine_float_qparams",
                                   "per_channel_symmetric",
                                   "per_tensor_affine",
                                   "per_tensor_symmetric"};

constexpr const char* kFunctions[] = {"_rebuild_device_tensor_from_cpu_tensor",
                                      "_rebuild_device_tensor_from_numpy",
                                      "_rebuild_meta_tensor_no_storage",
                                      "_rebuild_nested_tensor",
                                      "_rebuild_parameter",
                                      "_rebuild_parameter_with_state",
                                      "_rebuild_qtensor",
                                      "_rebuild_sparse_tensor",
                                      "_rebuild_tensor",
                                      "_rebuild_tensor_v2",
                                      "_rebuild_tensor_v3",
                                      "_rebuild_wrapper_subclass"};

// Classes of tensors, each with its storage.
constexpr const char* kClasses[] = {"BFloat16", "Bool", "Byte", "Char", "Double",
                                    "Float",    "Half", "Int",  "Long", "Short"};

}  // namespace

const TorchElement* storage_element(std::string_view type) {
  const auto found = storage_elements().find(last_name(type));
  return found == storage_elements().end() ? nullptr : &found->second;
}

TorchElement dtype_element(std::string_view dtype) {
  static const std::map<std::string_view, const char*> read = {
      {"float64", "F64"}, {"float32", "F32"}, {"float16", "F16"}, {"bfloat16", "BF16"},
      {"int64", "I64"},   {"int32", "I32"},   {"int16", "I16"},   {"int8", "I8"},
      {"uint64", "U64"},  {"uint32", "U32"},  {"uint16", "U16"},  {"uint8", "U8"},
      {"bool", "BOOL"}};
  const std::string_view name = last_name(dtype);
  const auto found = read.find(name);
  if (found == read.end()) return {std::string(name), 0};
  return {found->second, element_bytes(found->second)};
}

const std::set<std::string, std::less<>>& torch_globals() {
  static const auto globals = [] {
    std::set<std::string, std::less<>> names = {
        "collections.Counter", "torch.Size", "torch.Tensor", "torch.device",
        "torch.nn.parameter.Parameter", "torch.serialization._get_layout",
        "torch._tensor._rebuild_from_type_v2", "torch.storage.TypedStorage",
        "torch.storage.UntypedStorage",
        // Losses and accuracies beside the weights.
        "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype",
        "_codecs.encode"};
    for (const std::string module : {"builtins.", "__builtin__."})  // of Python 3 and 2
      for (const char* plain : {"set", "frozenset", "bytearray", "complex"})
        names.insert(module + plain);
    for (const auto& [type, element] : storage_elements())
      for (const std::string module : {"torch.", "torch.cuda."}) names.insert(module + type);
    for (const char* dtype : kDtypes) names.insert(std::string("torch.") + dtype);
    for (const char* function : kFunctions) names.insert(std::string("torch._utils.") + function);
    for (const std::string element : kClasses)
      for (const std::string module :
           {"torch.", "torch.cuda.", "torch.sparse.", "torch.cuda.sparse."})
        names.insert(module + element + "Tensor");
    return names;
  }();
  return globals;
}

}  // namespace onecycle
