# The simulation: the engine's sources compiled once more, with the seam's simulated backend
# (LANEWAY_MODEL=2), and its threads taken over by the linker. Like a model it never links the
# library. ThreadSanitizer would see one thread and take its fibers for broken stacks.

if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=thread" OR CMAKE_CXX_FLAGS MATCHES "-fno-exceptions")
  return()
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/engine/*.cpp
  ${PROJECT_SOURCE_DIR}/engine/*/*.cpp simulation/*.cpp)
# The real backend and the real clock, which the simulation has its own of.
list(FILTER sources EXCLUDE REGEX "engine/(base/atomic|time/steady_clock).cpp$")
add_executable(simulation ${sources})
target_link_libraries(simulation PRIVATE laneway_private laneway_check)
target_compile_definitions(simulation PRIVATE LANEWAY_MODEL=2 LANEWAY_STATIC_DEFINE)
set_target_properties(simulation PROPERTIES CXX_EXTENSIONS OFF)
set(taken_over
  pthread_mutex_lock pthread_mutex_unlock pthread_once pthread_cond_clockwait sched_yield nanosleep
  _ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE
  _ZNSt6thread4joinEv _ZNSt18condition_variable10notify_allEv _ZNSt6chrono3_V212steady_clock3nowEv)
list(TRANSFORM taken_over PREPEND "-Wl,--wrap=")
target_link_options(simulation PRIVATE ${taken_over})
laneway_add_test(simulation simulation)
cmake_language(EVAL CODE "cmake_language(DEFER CALL laneway_refuse_library simulation)")
