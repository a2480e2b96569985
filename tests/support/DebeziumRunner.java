import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Json;
import java.io.FileInputStream;
import java.util.Properties;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Prints each record of a Debezium engine as a line, topic, key and value between tabs, until a byte is read. */
public class DebeziumRunner {
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        try (FileInputStream file = new FileInputStream(arguments[0])) {
            settings.load(file);
        }
        DebeziumEngine<ChangeEvent<String, String>> engine = DebeziumEngine.create(Json.class)
            .using(settings)
            .notifying(record -> {
                System.out.println(record.destination() + "\t" + record.key() + "\t" + record.value());
                System.out.flush();
            })
            .build();
        ExecutorService pool = Executors.newSingleThreadExecutor();
        pool.execute(engine);
        System.in.read();
        engine.close();
        pool.shutdown();
    }
}
