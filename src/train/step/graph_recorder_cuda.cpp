#include "train/step/graph_recorder.h"

#include <exception>
#include <optional>

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

// While it lives, the device's generator draws by the state of another.
class RandomStateScope {
 public:
  RandomStateScope(c10::DeviceIndex device, const at::Generator& other)
      : generator_(at::cuda::detail::getDefaultCUDAGenerator(device)),
        own_(generator_.graphsafe_get_state()) {
    generator_.graphsafe_set_state(other);
  }
  ~RandomStateScope() { generator_.graphsafe_set_state(own_); }
  RandomStateScope(const RandomStateScope&) = delete;
  RandomStateScope& operator=(const RandomStateScope&) = delete;

 private:
  at::Generator generator_;
  at::Generator own_;
};

class CudaGraphRecorder : public GraphRecorder {
 public:
  CudaGraphRecorder(c10::DeviceIndex device, CUDAStream stream,
                    std::optional<c10::MempoolId_t> pool = {})
      : device_(device), stream_(stream), shared_(pool) {}

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
  // the same stream. ATen counts draws apart while it records, and a recording that broke off
  // leaves it so: the graph draws by a state that nothing else has.
  void record(const std::function<void()>& work) override {
    c10::cuda::device_synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();  // the graph has memory of its own
    auto graph = std::make_unique<at::cuda::CUDAGraph>();
    const c10::MempoolId_t pool = shared_ ? *shared_ : at::cuda::graph_pool_handle();
    const at::Generator random = at::cuda::detail::createCUDAGenerator(device_);
    std::exception_ptr error;
    {
      const c10::cuda::CUDAStreamGuard guard(stream_);
      const RandomStateScope draws(device_, random);
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
        static_cast<void>(graph.release());  // the allocators may go on asking whether it records
      }
    }
    if (!error) {
      graph_ = std::move(graph);
      pool_ = pool;
      random_ = random;
      return;
    }
    std::rethrow_exception(error);
  }

  // Draws what the work would have drawn from the device's generator, and moves that as far.
  void replay() override {
    at::Generator generator = at::cuda::detail::getDefaultCUDAGenerator(device_);
    random_.set_current_seed(generator.current_seed());
    random_.set_offset(generator.get_offset());
    graph_->replay();
    generator.set_offset(random_.get_offset());
  }

  void drop() override {
    if (!graph_) return;
    c10::cuda::device_synchronize();
    graph_.reset();
  }

  std::unique_ptr<GraphRecorder> beside() override {
    if (!graph_) return nullptr;
    return std::make_unique<CudaGraphRecorder>(device_, stream_, pool_);
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
  std::optional<c10::MempoolId_t> shared_;  // of another graph; it lives as long as one of both
  c10::MempoolId_t pool_ = {};              // of the graph
  at::Generator random_;                    // whose state the graph has
  std::unique_ptr<at::cuda::CUDAGraph> graph_;
};

}  // namespace

std::unique_ptr<GraphRecorder> cuda_graph_recorder(c10::Device device) {
  return std::make_unique<CudaGraphRecorder>(
      device.index(), c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index()));
}

}  // namespace onecycle
