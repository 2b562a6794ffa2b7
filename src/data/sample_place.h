#pragma once

#include "onecycle/datasets.h"

#include <cstdint>
#include <vector>

#include <c10/core/Device.h>

namespace onecycle {

// What a choice of place goes by, in bytes.
struct PlaceNeeds {
  std::int64_t samples = 0;  // of the data set
  std::int64_t beside = 0;   // what else a training keeps on the device
  std::int64_t free = 0;     // on the device
};

// host: where `wanted` says so, or leaves the choice and the samples do not fit. Never automatic.
DataPlace chosen_place(DataPlace wanted, const PlaceNeeds& needs);

// Bytes of the images of all parts; what parts share counts once.
std::int64_t image_bytes(const DataSet& data);

// Free on a CUDA device, with what ATen holds of it and has not given to anyone.
std::int64_t free_for_samples(c10::Device device);

// Moves images and targets to the device. What parts share is moved once.
void move_samples(DataSet& data, c10::Device device);

// Moves the targets to a CUDA device and leaves the images in the memory of the host, locked there
// so that the device reads them over the bus: they become tensors of the device over that memory,
// to be read alone, and keep it locked as long as they live. Throws FieldError for data.place where
// the host does not lock it.
void lend_samples(DataSet& data, c10::Device device);

// [begin, end) of addresses.
struct AddressRange {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;

  bool operator==(const AddressRange&) const = default;
};

// The pages that hold the ranges, ascending, those that overlap as one: memory is locked by the
// page, and none twice.
std::vector<AddressRange> whole_pages(std::vector<AddressRange> ranges, std::uintptr_t page_size);

}  // namespace onecycle
