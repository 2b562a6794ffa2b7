#include "data/sample_place.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "kernels/device_memory.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <unistd.h>
#include <utility>

#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>

namespace onecycle {

namespace {

std::array<ImageSet*, 3> parts_of(DataSet& data) {
  return {&data.train, &data.validation, &data.test};
}

AddressRange range_of(const at::Tensor& images) {
  const auto begin = reinterpret_cast<std::uintptr_t>(images.const_data_ptr());
  return {begin, begin + images.nbytes()};
}

// Pages are lent and given back one at a time: none twice.
std::mutex lending;

// Memory of the host, with the tensors in it, that a device may read as long as it lives. Made with
// `lending` locked.
class LentPages {
 public:
  LentPages(const AddressRange& range, std::vector<at::Tensor> images, int device)
      : images_(std::move(images)),
        range_(range),
        device_(device),
        on_device_(static_cast<const char*>(
            kernels::lend_host_memory(begin(), range.end - range.begin, device))) {}
  ~LentPages() {
    const std::lock_guard lock(lending);
    kernels::end_lending(begin(), device_);
  }
  LentPages(const LentPages&) = delete;
  LentPages& operator=(const LentPages&) = delete;

  bool hold(const AddressRange& range, int device) const {
    return device == device_ && range_.begin <= range.begin && range.end <= range_.end;
  }
  // Where the device finds what the host has at `address`.
  const void* on_device(std::uintptr_t address) const {
    return on_device_ + (address - range_.begin);
  }

 private:
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  const void* begin() const { return reinterpret_cast<const void*>(range_.begin); }

  std::vector<at::Tensor> images_;  // go when the pages are no longer lent
  AddressRange range_;
  int device_;
  const char* on_device_;
};

// Runs of one process that share a data set share its pages, and those of a part of it.
std::shared_ptr<LentPages> lent_pages(const AddressRange& range,
                                      const std::vector<at::Tensor>& images, int device) {
  static std::vector<std::weak_ptr<LentPages>> all_lent;
  std::vector<std::shared_ptr<LentPages>> others;  // let go of once `lending` is free
  const std::lock_guard lock(lending);
  std::erase_if(all_lent, [](const auto& known) { return known.expired(); });
  for (const auto& known : all_lent) {
    others.push_back(known.lock());
    if (others.back() && others.back()->hold(range, device)) return others.back();
  }
  auto pages = std::make_shared<LentPages>(range, images, device);
  all_lent.push_back(pages);
  return pages;
}

// The same images as a tensor of the device, which keeps their pages.
at::Tensor lent(const at::Tensor& images, std::shared_ptr<LentPages> pages, c10::Device device) {
  void* const memory = const_cast<void*>(pages->on_device(range_of(images).begin));
  return at::for_blob(memory, images.sizes())
      .deleter([pages = std::move(pages)](void*) {})
      .options(images.options().device(device))
      .target_device(device)
      .make_tensor();
}

}  // namespace

DataPlace chosen_place(DataPlace wanted, const PlaceNeeds& needs) {
  if (wanted != DataPlace::automatic) return wanted;
  return needs.samples <= needs.free - needs.beside ? DataPlace::device : DataPlace::host;
}

std::int64_t image_bytes(const DataSet& data) {
  std::map<const void*, std::int64_t> bytes;
  for (const ImageSet* part : {&data.train, &data.validation, &data.test}) {
    if (part->size() == 0) continue;
    std::int64_t& most = bytes[part->images.const_data_ptr()];
    most = std::max(most, static_cast<std::int64_t>(part->images.nbytes()));
  }
  std::int64_t sum = 0;
  for (const auto& [where, count] : bytes) sum += count;
  return sum;
}

std::int64_t free_for_samples(c10::Device device) {
  std::int64_t free = kernels::free_device_memory(device.index());
  auto* const allocator = c10::getDeviceAllocator(device.type());
  if (!allocator->initialized()) return free;
  const auto stats = allocator->getDeviceStats(device.index());
  return free + stats.reserved_bytes[0].current - stats.allocated_bytes[0].current;
}

void move_samples(DataSet& data, c10::Device device) {
  std::map<std::pair<const void*, std::int64_t>, at::Tensor> moved;
  for (ImageSet* part : parts_of(data)) {
    if (part->size() == 0) continue;
    at::Tensor& images = moved[{part->images.const_data_ptr(), part->images.numel()}];
    if (!images.defined()) images = part->images.to(device);
    part->images = images;
    part->labels = part->labels.to(device);
  }
}

std::vector<AddressRange> whole_pages(std::vector<AddressRange> ranges, std::uintptr_t page_size) {
  for (AddressRange& range : ranges) {
    range.begin -= range.begin % page_size;
    range.end = (range.end + page_size - 1) / page_size * page_size;
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const AddressRange& a, const AddressRange& b) { return a.begin < b.begin; });
  std::vector<AddressRange> result;
  for (const AddressRange& range : ranges) {
    if (!result.empty() && range.begin < result.back().end)
      result.back().end = std::max(result.back().end, range.end);
    else
      result.push_back(range);
  }
  return result;
}

void lend_samples(DataSet& data, c10::Device device) {
  std::vector<AddressRange> ranges;
  std::vector<at::Tensor> images;
  for (ImageSet* part : parts_of(data)) {
    if (part->size() == 0 || part->images.numel() == 0) continue;
    part->images = part->images.contiguous();
    ranges.push_back(range_of(part->images));
    images.push_back(part->images);
  }
  const std::int64_t bytes = image_bytes(data);
  std::vector<std::shared_ptr<LentPages>> all;
  try {
    for (const AddressRange& range :
         whole_pages(std::move(ranges), static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE))))
      all.push_back(lent_pages(range, images, device.index()));
  } catch (const Error& error) {
    throw FieldError("data.place",
                     format("host: {:.1f} GB of images cannot be locked in the host's memory for "
                            "the GPU to read ({}); free that much memory, or lower data.limit or "
                            "the size of the images so that they fit the GPU",
                            static_cast<double>(bytes) / 1e9, error.what()));
  }
  for (ImageSet* part : parts_of(data)) {
    if (part->size() == 0) continue;
    part->labels = part->labels.to(device);
    if (part->images.numel() == 0) continue;
    const AddressRange own = range_of(part->images);
    const auto pages = std::find_if(
        all.begin(), all.end(), [&](const auto& some) { return some->hold(own, device.index()); });
    part->images = lent(part->images, *pages, device);
  }
  data.read_from_host = true;
}

}  // namespace onecycle
