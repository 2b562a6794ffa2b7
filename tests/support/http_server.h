#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace onecycle {

// An HTTP/1.1 server on 127.0.0.1 that misbehaves as it is told; one request a connection.
class HttpServer {
 public:
  struct Page {
    std::string body;
    int status = 200;
    bool ranges = true;
    std::size_t cut_after = std::string::npos;  // bytes of an answer; then the connection ends
    int failures = 0;                           // the first requests are answered with 503
    bool says_length = true;                    // of what comes
    bool drips = false;                         // a byte at a time, ten a second
  };

  HttpServer() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    ::listen(listener_, 8);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    ended_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url(const std::string& name) const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/" + name;
  }
  void set(const std::string& name, const Page& page) {
    const std::scoped_lock lock(mutex_);
    pages_["/" + name] = page;
  }
  // "NAME from BYTE", in order.
  std::vector<std::string> requests() {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    while (!ended_) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) continue;
      answer(connection);
      ::close(connection);
    }
  }

  void answer(int connection) {
    std::string request;
    char bytes[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const auto count = ::recv(connection, bytes, sizeof bytes, 0);
      if (count <= 0) return;
      request.append(bytes, static_cast<std::size_t>(count));
    }
    const std::string name = request.substr(4, request.find(' ', 4) - 4);
    const std::size_t range = request.find("Range: bytes=");
    std::size_t from = range == std::string::npos ? 0 : std::stoul(request.substr(range + 13));
    bool drips = false;
    const std::string reply = reply_to(name, from, drips);
    for (std::size_t sent = 0; sent < reply.size() && !ended_;) {
      const std::size_t piece = drips ? 1 : reply.size() - sent;
      const auto count = ::send(connection, reply.data() + sent, piece, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
      const bool in_body = sent > reply.find("\r\n\r\n") + 4;
      if (drips && in_body) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }

  std::string reply_to(const std::string& name, std::size_t from, bool& drips) {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(name.substr(1) + " from " + std::to_string(from));
    const auto found = pages_.find(name);
    if (found == pages_.end()) return head(404, 0, "");
    Page& page = found->second;
    if (page.failures > 0) return --page.failures, head(503, 0, "");
    if (page.status != 200) return head(page.status, 0, "");
    drips = page.drips;
    if (!page.ranges) from = 0;
    if (from >= page.body.size()) return head(416, 0, "");
    const std::string rest = page.body.substr(from);
    const std::string place = from == 0 ? ""
                                        : "Content-Range: bytes " + std::to_string(from) + "-" +
                                              std::to_string(page.body.size() - 1) + "/" +
                                              std::to_string(page.body.size()) + "\r\n";
    std::string start = head(from == 0 ? 200 : 206, rest.size(), place);
    if (!page.says_length) {
      const std::size_t line = start.find("Content-Length");
      start.erase(line, start.find("\r\n", line) + 2 - line);
    }
    return start + rest.substr(0, page.cut_after);
  }

  static std::string head(int status, std::size_t length, const std::string& more) {
    return "HTTP/1.1 " + std::to_string(status) +
           " x\r\nConnection: close\r\nContent-Length: " + std::to_string(length) + "\r\n" + more +
           "\r\n";
  }

  int listener_;
  int port_ = 0;
  std::atomic<bool> ended_ = false;
  std::mutex mutex_;
  std::map<std::string, Page> pages_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace onecycle
