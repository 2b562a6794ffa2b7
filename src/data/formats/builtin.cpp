#include "onecycle/datasets.h"

namespace onecycle {

FormatRegistry::Entry arrays_format();
FormatRegistry::Entry idx_format();
FormatRegistry::Entry cifar_format();
FormatRegistry::Entry image_folder_format();
FormatRegistry::Entry image_list_format();
FormatRegistry::Entry cifar_python_format();
FormatRegistry::Entry packed_format();
FormatRegistry::Entry synthetic_format();
FormatRegistry::Entry table_format();

FormatRegistry builtin_formats() {
  FormatRegistry formats("data.format");
  formats.add(idx_format());
  formats.add(cifar_format());
  formats.add(cifar_python_format());
  formats.add(image_folder_format());
  formats.add(image_list_format());
  formats.add(table_format());
  formats.add(arrays_format());
  formats.add(packed_format());
  formats.add(synthetic_format());
  return formats;
}

}  // namespace onecycle
