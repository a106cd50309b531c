// A server of the machine's own, started on a free port of the loopback and ended with the run; and
// a connection to it that sends what was written and reads what comes back, in text lines and
// blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace laneway::bench {

// The program's path in the places where servers are installed; empty when it is not there.
std::string server_program(const char* name);

class Server {
 public:
  // `arguments` may hold {port}. Waits until it accepts connections; a server that does not within
  // five seconds ends the run.
  Server(const std::string& program, std::vector<std::string> arguments);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_;
  int process_ = -1;
};

// Any failure ends the run: there is no benchmark without the server.
class Connection {
 public:
  explicit Connection(std::uint16_t port);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;
  ~Connection();

  void write(std::string_view text) { out_ += text; }
  void flush();
  // Up to the next \r\n, which is taken and not given. Valid until the next read.
  std::string_view line();
  // So many bytes and the \r\n behind them. Valid until the next read.
  std::string_view block(std::size_t bytes);

 private:
  void fill();

  int socket_;
  std::string out_;
  std::string in_;
  std::size_t taken_ = 0;
};

}  // namespace laneway::bench
