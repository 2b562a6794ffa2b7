#include "train/step/graph_recorder.h"

#include <exception>

#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace onecycle {

namespace {

using c10::cuda::CUDAStream;

void order(const CUDAStream& first, const CUDAStream& second) {
  at::cuda::CUDAEvent event;
  event.record(first);
  event.block(second);
}

// ATen counts draws apart while it records, and a recording that broke off leaves it so: the device
// gets a new count with the same seed.
void renew_random_state(c10::DeviceIndex device) {
  at::Generator generator = at::cuda::detail::getDefaultCUDAGenerator(device);
  const std::uint64_t seed = generator.current_seed();
  const at::Generator fresh = at::cuda::detail::createCUDAGenerator(device);
  generator.unsafeGetGeneratorImpl()->graphsafe_set_state(
      fresh.unsafeGetGeneratorImpl()->graphsafe_get_state());
  generator.set_current_seed(seed);
}

class CudaGraphRecorder : public GraphRecorder {
 public:
  explicit CudaGraphRecorder(c10::Device device)
      : device_(device.index()),
        stream_(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())) {}

  ~CudaGraphRecorder() override {
    try {
      drop();
    } catch (const std::exception&) {  // of a device that has failed
    }
  }

  void on_stream(const std::function<void()>& work) override {
    const CUDAStream outer = c10::cuda::getCurrentCUDAStream(device_);
    order(outer, stream_);
    {
      const c10::cuda::CUDAStreamGuard guard(stream_);
      work();
    }
    order(stream_, outer);
  }

  // The mode leaves other threads' calls alone: of NCCL's watchdog and of autograd, which queues on
  // the same stream.
  void record(const std::function<void()>& work) override {
    c10::cuda::device_synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();  // the graph has memory of its own
    auto graph = std::make_unique<at::cuda::CUDAGraph>();
    const auto pool = at::cuda::graph_pool_handle();
    std::exception_ptr error;
    {
      const c10::cuda::CUDAStreamGuard guard(stream_);
      try {
        graph->capture_begin(pool, cudaStreamCaptureModeThreadLocal);
        work();
      } catch (...) {
        error = std::current_exception();
      }
      try {
        graph->capture_end();
      } catch (...) {
        if (!error) error = std::current_exception();
        leave(pool);
      }
    }
    if (!error) {
      graph_ = std::move(graph);
      return;
    }
    static_cast<void>(graph.release());  // the allocators may go on asking whether it records
    renew_random_state(device_);
    std::rethrow_exception(error);
  }

  void replay() override { graph_->replay(); }

  void drop() override {
    if (!graph_) return;
    c10::cuda::device_synchronize();
    graph_.reset();
  }

 private:
  // An end that fails leaves the allocator serving the recording.
  void leave(const c10::MempoolId_t& pool) const {
    try {
      c10::cuda::CUDACachingAllocator::endAllocateToPool(device_, pool);
      c10::cuda::CUDACachingAllocator::releasePool(device_, pool);
    } catch (const std::exception&) {  // it had ended
    }
  }

  c10::DeviceIndex device_;
  CUDAStream stream_;
  std::unique_ptr<at::cuda::CUDAGraph> graph_;
};

}  // namespace

std::unique_ptr<GraphRecorder> cuda_graph_recorder(c10::Device device) {
  return std::make_unique<CudaGraphRecorder>(device);
}

}  // namespace onecycle
