// Q1 against what people run today: servers, over the loopback of this machine. Processor time of
// the server itself is not in the figures.
#include "bench/peers/beanstalkd.hpp"
#include "bench/peers/redis.hpp"
#include "bench/workloads/shapes.hpp"
#include "bench/workloads/workloads.hpp"

#include <string>
#include <utility>

namespace laneway::bench {
namespace {

template <class Subject>
void add(Cells& cells, const Who& who) {
  for (const std::uint32_t batch : {1u, 32u}) {
    const Shape shape{1, 1, batch};
    Cell cell = race_cell<Subject, KeyedElement>({"cycle", "Q1", workload_name(shape)}, who, shape);
    if (server_program(Subject::kProgram).empty()) {
      cell.lacks = who.package + " is not installed";
    }
    cells.push_back(std::move(cell));
  }
}

}  // namespace

void add_server_cells(Cells& cells) {
  add<Beanstalkd>(cells, {"beanstalkd", "beanstalkd"});
  add<Redis>(cells, {"redis", "redis-server"});
}

}  // namespace laneway::bench
